namespace Quorate.Raft;

/// <summary>The kinds of <see cref="MemberChange"/>.</summary>
public enum MemberChangeKind : byte
{
    /// <summary>A new member that votes at once.</summary>
    AddVoter = 1,

    /// <summary>A new member that receives the log and does not vote.</summary>
    AddLearner = 2,

    /// <summary>A learner becomes a voter. It must have caught up.</summary>
    Promote = 3,

    /// <summary>A voter becomes a learner.</summary>
    Demote = 4,

    /// <summary>A member leaves. Its id is never used again.</summary>
    Remove = 5,

    /// <summary>The address or the data of a member change.</summary>
    Update = 6,
}

/// <summary>One of the changes that a change of the configuration consists of.</summary>
public sealed record MemberChange
{
    private MemberChange(MemberChangeKind kind, Member member) => (Kind, Member) = (kind, member);

    /// <summary>The kind of the change.</summary>
    public MemberChangeKind Kind { get; }

    /// <summary>
    /// The member: with <see cref="MemberChangeKind.AddVoter"/>, <see cref="MemberChangeKind.AddLearner"/> and
    /// <see cref="MemberChangeKind.Update"/> its address and data too; otherwise its id alone.
    /// </summary>
    public Member Member { get; }

    /// <summary>Adds a member that votes at once.</summary>
    /// <remarks>
    /// It counts as soon as a leader has contacted it and knows its data directory. Until it has caught up, the cluster tolerates fewer
    /// failures than before. Prefer <see cref="AddLearner"/> with <c>promoteWhenReady</c>.
    /// </remarks>
    public static MemberChange AddVoter(NodeId id, string address = "", string data = "") =>
        new(MemberChangeKind.AddVoter, Create(id, address, data));

    /// <summary>Adds a member that receives the log and does not vote.</summary>
    /// <param name="id">Its id, which was never used before.</param>
    /// <param name="address">Where peers reach it.</param>
    /// <param name="data">What the program stores about it.</param>
    /// <param name="promoteWhenReady">Whether the leader makes it a voter once it has caught up and stayed so.</param>
    public static MemberChange AddLearner(NodeId id, string address = "", string data = "", bool promoteWhenReady = false) =>
        new(MemberChangeKind.AddLearner, Create(id, address, data) with { PromoteWhenReady = promoteWhenReady });

    /// <summary>Makes a learner that has caught up a voter.</summary>
    public static MemberChange Promote(NodeId id) => new(MemberChangeKind.Promote, Create(id, "", ""));

    /// <summary>Makes a voter a learner.</summary>
    public static MemberChange Demote(NodeId id) => new(MemberChangeKind.Demote, Create(id, "", ""));

    /// <summary>Removes a member.</summary>
    public static MemberChange Remove(NodeId id) => new(MemberChangeKind.Remove, Create(id, "", ""));

    /// <summary>Changes the address and the data of a member.</summary>
    public static MemberChange Update(NodeId id, string address, string data) => new(MemberChangeKind.Update, Create(id, address, data));

    internal static MemberChange Of(MemberChangeKind kind, Member member) => new(kind, member);

    private static Member Create(NodeId id, string address, string data) => new() { Id = id, Address = address, Data = data };
}

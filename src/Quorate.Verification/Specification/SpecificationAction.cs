namespace Quorate.Verification.Specification;

/// <summary>The actions of spec/QuorateRaft.tla.</summary>
internal enum SpecActionName : byte
{
    OnDurable = 1,
    Restart,
    TryAdoptTerm,
    BecomeFollower,
    BecomePreCandidate,
    BecomeCandidate,
    OnRequestVote,
    BecomeLeader,
    OnPropose,
    OnAppendEntries,
    AdvanceCommit,
    OnRead,
    StartReadRound,
    AnswerRound,
    ConfirmReads,
    EnterJoint,
    LeaveJoint,
    TakeSnapshot,
    InstallSnapshot,
    ContinueTransfer,
    OnTimeoutNow,
}

/// <summary>One action of one server with its arguments, in the order of spec/QuorateRaft.tla.</summary>
internal readonly record struct SpecificationAction(SpecActionName Name, int Server, int A = 0, int B = 0, int C = 0, int D = 0)
{
    public override string ToString() => $"{Name}({Server + 1}, {A}, {B}, {C}, {D})";
}

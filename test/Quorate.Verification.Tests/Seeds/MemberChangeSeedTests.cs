namespace Quorate.Verification.Tests.Seeds;

/// <summary>Seeds whose members are added and removed, with transfers of leadership on request.</summary>
public sealed class MemberChangeSeedTests
{
    [Fact]
    public void Nothing_is_lost_while_members_change()
    {
        var counts = new Dictionary<string, long>(StringComparer.Ordinal);
        for (var seed = 1UL; seed <= 60; seed++)
        {
            foreach (var (name, count) in KvSimulation.Run(seed, new RunOptions { ChangesMembers = true }).Counts)
                counts[name] = counts.GetValueOrDefault(name) + count;
        }

        foreach (var name in new[] { "removed member ended", "members stated by a peer", "transfer: completed" })
            Assert.True(counts.GetValueOrDefault(name) > 0, name);
    }

    /// <summary>237: a member that was behind answered a new one that it had been removed. 422: a removed one stayed a peer.</summary>
    [Theory]
    [InlineData(237)]
    [InlineData(422)]
    public void Members_find_each_other_and_learn_of_their_removal(ulong seed) =>
        KvSimulation.Run(seed, new RunOptions { ChangesMembers = true });

    [Fact]
    public void The_command_line_names_the_changes()
    {
        var arguments = new Queue<string>(["--member-changes"]);
        Assert.True(SimulatorCommandLine.TryParseNext(new SimulatorCommandLine { Seed = 7 }, arguments, out var command));
        Assert.True(command.Options.ChangesMembers);
        Assert.Equal("--seed 7 --member-changes", command.Arguments);
    }
}

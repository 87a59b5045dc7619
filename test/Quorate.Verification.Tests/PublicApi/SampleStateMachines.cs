using Quorate.Raft;

namespace Quorate.Verification.Tests.PublicApi;

/// <summary>Accounts between which money is moved: none is made, none is lost.</summary>
internal class Accounts : IStateMachine<bool>
{
    private readonly long[] _balances = [100, 100, 100];

    public IReadOnlyList<long> Balances => [.. _balances];

    public static byte[] Move(int from, int to, int amount) => [(byte)from, (byte)to, (byte)amount];

    public virtual bool Apply(in CommittedCommand command)
    {
        var bytes = command.Command.Span;
        var (from, to, amount) = (bytes[0], bytes[1], bytes[2]);
        if (_balances[from] < amount)
            return false;
        _balances[from] -= amount;
        _balances[to] += amount;
        return true;
    }

    /// <summary>What every client of these tests does.</summary>
    public static async Task MoveAndRead<TMachine>(VirtualClient<TMachine, bool> client)
        where TMachine : Accounts
    {
        var (from, to, amount) = (client.Random.Next(3), client.Random.Next(3), client.Random.Next(50));
        await client.ProposeAsync(Move(from, to, amount), $"move {amount} from {from} to {to}");
        await client.ReadAsync(accounts => accounts.Balances, "look");
    }
}

/// <summary>Which of two members it is decides what it answers.</summary>
internal sealed class DivergingAccounts(int instance) : Accounts
{
    public override bool Apply(in CommittedCommand command) => base.Apply(command) ^ (instance % 2 == 0);
}

/// <summary>All members do the same, and what they do is not what they would do alone: how many there are decides it.</summary>
internal sealed class InstanceCountingAccounts : Accounts
{
    public static int InstancesCreated { get; set; }

    private readonly bool _isAmongFirstThree = InstancesCreated++ < 3;

    public override bool Apply(in CommittedCommand command) => base.Apply(command) && _isAmongFirstThree;
}

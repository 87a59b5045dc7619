using Quorate.Raft;

namespace Quorate.Verification.Tests.Users;

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
    public static async Task MoveAndLook<TMachine>(VirtualClient<TMachine, bool> client)
        where TMachine : Accounts
    {
        var (from, to, amount) = (client.Random.Next(3), client.Random.Next(3), client.Random.Next(50));
        await client.ProposeAsync(Move(from, to, amount), $"move {amount} from {from} to {to}");
        await client.ReadAsync(accounts => accounts.Balances, "look");
    }
}

/// <summary>Which of two members it is decides what it answers.</summary>
internal sealed class AccountsThatDiffer(int made) : Accounts
{
    public override bool Apply(in CommittedCommand command) => base.Apply(command) ^ (made % 2 == 0);
}

/// <summary>All members do the same, and what they do is not what they would do alone: how many there are decides it.</summary>
internal sealed class AccountsThatForget : Accounts
{
    public static int Made { get; set; }

    private readonly bool _isOneOfTheFirst = Made++ < 3;

    public override bool Apply(in CommittedCommand command) => base.Apply(command) && _isOneOfTheFirst;
}

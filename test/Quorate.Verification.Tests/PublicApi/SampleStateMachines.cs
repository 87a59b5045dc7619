using Quorate.Raft;

namespace Quorate.Verification.Tests.PublicApi;

/// <summary>Accounts between which money is moved; the total never changes.</summary>
internal class AccountsStateMachine : IStateMachine<bool>
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

    /// <summary>One iteration of every client in these tests: a random move, then a read.</summary>
    public static async Task MoveAndRead<TMachine>(VirtualClient<TMachine, bool> client)
        where TMachine : AccountsStateMachine
    {
        var (from, to, amount) = (client.Random.Next(3), client.Random.Next(3), client.Random.Next(50));
        await client.ProposeAsync(Move(from, to, amount), $"move {amount} from {from} to {to}");
        await client.ReadAsync(accounts => accounts.Balances, "read");
    }
}

/// <summary>Its results depend on the member on which it runs.</summary>
internal sealed class DivergingAccounts(int instance) : AccountsStateMachine
{
    public override bool Apply(in CommittedCommand command) => base.Apply(command) ^ (instance % 2 == 0);
}

/// <summary>Its results depend on how many instances exist: the members agree, but a sequential replay differs.</summary>
internal sealed class InstanceCountingAccounts : AccountsStateMachine
{
    public static int InstancesCreated { get; set; }

    private readonly bool _isAmongFirstThree = InstancesCreated++ < 3;

    public override bool Apply(in CommittedCommand command) => base.Apply(command) && _isAmongFirstThree;
}

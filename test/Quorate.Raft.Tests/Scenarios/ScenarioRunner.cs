using System.Globalization;
using System.Text;

namespace Quorate.Raft.Tests.Scenarios;

/// <summary>
/// Runs a small command language over nodes and a network that delivers only on command; writes everything that happens as text.
/// </summary>
/// <remarks>
/// <code>
///   nodes 1 2 3 [key=value …]      options of RaftOptions: election, cap, inflight
///   log 2 term 3: 1 1 2            the log on the disk of node 2; before it starts
///   start                          starts all nodes that are down
///   tick 1 20                      20 ticks of node 1 (1 tick if no number is given)
///   until 1 PreCandidate           ticks until node 1 has that role
///   deliver [1 to 2] [drop]        delivers all messages in the network (from node 1 to node 2), or drops them
///   disk 1                         the disk of node 1 completes all its appends
///   apply 1    end 1               the state machine applies all entries; the iteration ends
///   propose 1 7 [bytes=100]        a proposal with sequence number 7;   read 1 5: a read with ticket 5
///   lost 1 2                       node 1 loses its connection to node 2;   crash 1: node 1 crashes
///   run 3                          3 rounds of: end of iteration, deliver, disk, apply, for all nodes
///   stall 1                        the disk of node 1 completes nothing more in a run
///   state                          the state of every node
/// </code>
/// </remarks>
internal sealed class ScenarioRunner
{
    private readonly SortedDictionary<ulong, TestNode> _nodes = [];
    private readonly List<Message> _network = [];
    private readonly HashSet<ulong> _stalled = [];
    private readonly RaftSafetyChecker _history = new();
    private readonly StringBuilder _output = new();

    public string Execute(string command)
    {
        _output.Clear();
        var words = command.Replace(":", "").Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var numbers = words.Where(w => w.All(char.IsAsciiDigit)).Select(w => ulong.Parse(w, CultureInfo.InvariantCulture)).ToArray();
        TestNode Node(int at = 0) => _nodes[numbers[at]];
        switch (words[0])
        {
            case "nodes":
                CreateNodes(numbers, words);
                break;
            case "log":
                Node().Disk.Preload(new HardState(new Term(numbers[1]), NodeId.None), numbers.AsSpan(2), LogIndex.Zero);
                break;
            case "start":
                foreach (var node in _nodes.Values.Where(m => m.Core is null))
                    node.Start(cached: int.MaxValue);
                break;
            case "tick":
                Node().Tick(numbers.Length > 1 ? (int)numbers[1] : 1);
                break;
            case "until":
                for (var i = 0; i < 1000 && Node().Core!.Role.ToString() != words[2]; i++)
                    Node().Tick();
                break;
            case "deliver":
                Deliver(numbers, lose: words.Contains("drop"));
                break;
            case "disk":
                Node().Flush();
                break;
            case "apply":
                Node().Apply();
                break;
            case "end":
                Node().EndIteration();
                break;
            case "propose":
                var bytes = words.FirstOrDefault(w => w.StartsWith("bytes=", StringComparison.Ordinal))?[6..] ?? "3";
                Node().Step(Input.Propose(
                    new[] { Given.Proposal(numbers[0], numbers[1], int.Parse(bytes, CultureInfo.InvariantCulture)) }));
                break;
            case "read":
                Node().Read(numbers[1]);
                break;
            case "lost":
                Node().Step(Input.PeerLost(Given.Node(numbers[1])));
                break;
            case "crash":
                Node().Crash();
                break;
            case "run":
                for (ulong round = 0; round < numbers[0]; round++)
                    Run();
                break;
            case "stall":
                _stalled.Add(numbers[0]);
                break;
            case "state":
                foreach (var node in _nodes.Values)
                    _output.AppendLine(State(node));
                break;
            default:
                throw new InvalidOperationException($"unknown scenario command: {command}");
        }

        Collect();
        RaftInvariants.CheckCluster([.. _nodes.Values.Where(m => m.Core is not null).Select(m => m.Core!)]);
        return _output.Length == 0 ? "ok\n" : _output.ToString();
    }

    private void CreateNodes(ulong[] ids, string[] words)
    {
        int Option(string name, int defaultValue) =>
            words.FirstOrDefault(w => w.StartsWith(name + "=", StringComparison.Ordinal)) is { } word
                ? int.Parse(word[(name.Length + 1)..], CultureInfo.InvariantCulture)
                : defaultValue;
        foreach (var id in ids)
        {
            var cap = Option("cap", 64 << 20);
            var options = Given.Options(id) with
            {
                MaxUncommittedBytes = cap,
                MaxCommandBytes = Math.Min(cap, 8 << 20),
                MaxInflightMessages = Option("inflight", 256)
            };
            _nodes[id] = new TestNode(options, new Configuration(ids.Select(Given.Node)), _history) { Stepped = WriteStep };
        }
    }

    private void Deliver(ulong[] between, bool lose)
    {
        Collect();
        var due = _network.FindAll(m => between.Length == 0 || (m.From.Value == between[0] && m.To.Value == between[1]));
        foreach (var message in due)
        {
            _network.Remove(message);
            var node = _nodes[message.To.Value];
            _output.AppendLine($"{(lose || node.Core is null ? "lost: " : "")}{message}");
            if (!lose && node.Core is not null)
                node.Receive(message);
        }
    }

    private void Run()
    {
        foreach (var node in _nodes.Values.Where(m => m.Core is not null))
            node.EndIteration();
        Deliver([], lose: false);
        foreach (var node in _nodes.Values.Where(m => m.Core is not null))
        {
            if (!_stalled.Contains(node.Id.Value))
                node.Flush();
            node.Apply();
        }
    }

    private void Collect()
    {
        foreach (var node in _nodes.Values)
        {
            _network.AddRange(node.Outbox);
            node.Outbox.Clear();
        }
    }

    /// <summary>Writes the effects of a step; messages are written when they are delivered or lost.</summary>
    private void WriteStep(TestNode node, CoreState before, Effects effects)
    {
        RaftInvariants.CheckTransition(before, CoreState.Of(node.Core!));
        if (node.Core!.Role == Role.Leader)
            _history.OnLeader(node.Core.Term, node.Id);
        foreach (var traced in effects.Trace)
            _output.AppendLine($"  {node.Id}: {traced}");
        if (!effects.Append.IsEmpty)
            _output.AppendLine(
                $"  {node.Id}: to disk #{effects.Append.Token}{(effects.Append.HardState is { } hard ? $" {hard}" : "")}" +
                $"{Range(" entries ", effects.Append.Entries)}");
        foreach (var message in effects.SendWhenDurable.Messages)
            _output.AppendLine($"  {node.Id}: waits for #{effects.SendWhenDurable.Token}: {message}");
        if (!effects.Apply.IsEmpty)
            _output.AppendLine($"  {node.Id}:{Range(" apply ", effects.Apply)}");
        foreach (var rejection in effects.Rejections)
            _output.AppendLine($"  {node.Id}: proposal {rejection.Proposal} {rejection.Reason}");
        foreach (var read in effects.ReadResults)
            _output.AppendLine(
                $"  {node.Id}: read {read.Ticket} {(read.RejectReason is { } reason ? $"{reason}" : $"granted at {read.Index}")}");
    }

    private static string Range(string what, ReadOnlyMemory<LogEntry> entries) =>
        entries.IsEmpty ? "" : $"{what}{string.Join(' ', entries.ToArray().Select(e => e.Id))}";

    private static string State(TestNode node) => node.Core is { } core
        ? $"{core.Self}: {core.Role} term {core.Term} leader {core.Leader} applied {core.AppliedIndex} commit {core.CommitIndex} " +
          $"durable {core.DurableIndex} log [{Terms(core)}]"
        : $"{node.Id}: down";

    private static string Terms(RaftCore core)
    {
        var terms = new List<string>();
        for (var index = Given.At(1); index <= core.LastIndex; index += 1)
            terms.Add($"{core.TermAt(index)}");
        return string.Join(' ', terms);
    }
}

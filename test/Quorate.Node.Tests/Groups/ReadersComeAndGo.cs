using Quorate.Node.Groups;
using Quorate.Raft;

namespace Quorate.Node.Tests.Groups;

/// <summary>Readers who have stopped waiting take nobody's place: a member cut off from the others may have seen any number of them.</summary>
public sealed class ReadersComeAndGo
{
    private readonly LoneLoop _node = new(waitingMax: 10);

    [Fact]
    public async Task Where_no_leader_is_known_readers_wait_and_are_never_too_many()
    {
        for (var i = 0; i < 20_000; i++)
            Read().Answer(ReadResult.TimedOut);
        Assert.True(_node.Reads.Held < 100, $"{_node.Reads.Held} held");

        var reader = Read();
        _node.HearLeader();
        _node.Turn();
        AnswerAllQuestions(LogIndex.Zero);
        Assert.True((await reader.Task.WaitAsync(TimeSpan.FromSeconds(10))).IsGranted);
    }

    /// <summary>The leader is heard and does not hear: its connection to us stands, ours to it does not.</summary>
    [Fact]
    public async Task Where_no_question_is_answered_readers_wait_and_are_never_too_many()
    {
        _node.HearLeader();
        for (var i = 0; i < 20_000; i++)
            Read().Answer(ReadResult.TimedOut);
        Assert.True(_node.Reads.Held < 100, $"{_node.Reads.Held} held");

        var reader = Read();
        AnswerAllQuestions(LogIndex.Zero);
        Assert.True((await reader.Task.WaitAsync(TimeSpan.FromSeconds(10))).IsGranted);
    }

    [Fact]
    public async Task Where_the_state_machine_hangs_readers_wait_and_are_never_too_many()
    {
        _node.HearLeader();
        for (var i = 0; i < 20_000; i++)
        {
            Read().Answer(ReadResult.TimedOut);
            AnswerAllQuestions(new LogIndex(1));
        }

        Assert.True(_node.Reads.Held < 100, $"{_node.Reads.Held} held");
        var reader = Read();
        AnswerAllQuestions(new LogIndex(1));
        Assert.False(reader.Task.IsCompleted);
        _node.Reads.Applied(new LogIndex(1));
        Assert.True((await reader.Task.WaitAsync(TimeSpan.FromSeconds(10))).IsGranted);
    }

    [Fact]
    public void Those_who_wait_are_counted_wherever_they_are()
    {
        var readers = Enumerable.Range(0, 10).Select(_ => Read()).ToArray();
        Assert.False(_node.Reads.TryAdd(out _));
        readers[3].Answer(ReadResult.TimedOut);
        Read();
        Assert.False(_node.Reads.TryAdd(out _));
    }

    private ReadWaiter Read()
    {
        Assert.True(_node.Reads.TryAdd(out var waiter), "busy");
        _node.Turn();
        Assert.False(waiter.Task.IsCompleted);
        return waiter;
    }

    private void AnswerAllQuestions(LogIndex index)
    {
        while (_node.Questions.Count > 0)
        {
            foreach (var question in _node.Questions)
                _node.Receive(new ReadIndexReply { From = new NodeId(2), Term = new Term(1), ReadId = question, Granted = true, Index = index });
            _node.Questions.Clear();
            _node.Turn();
        }
    }
}

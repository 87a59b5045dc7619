using Quorate.Node.Threading;

namespace Quorate.Concurrency.Tests;

/// <summary><see cref="ThreadWorker"/> and <see cref="WakeSignal"/>: the thread of the disk and that of the applier.</summary>
public sealed class ThreadWorkerTests
{
    [Fact]
    public void Posted_work_runs_once_and_in_order_before_the_thread_ends() => CoyoteTestRunner.Explore(300, () =>
    {
        var done = new List<int>();
        var worker = new ThreadWorker("worker");
        worker.Start();

        var posters = new[] { new Thread(() => Post(1, 2)), new Thread(() => Post(11, 12)) };
        foreach (var poster in posters)
            poster.Start();
        foreach (var poster in posters)
            poster.Join();
        worker.Dispose();

        Assert.Equal([1, 2, 11, 12], done.Order());
        Assert.True(done.IndexOf(1) < done.IndexOf(2) && done.IndexOf(11) < done.IndexOf(12));

        void Post(int first, int second)
        {
            worker.Post(() => done.Add(first));
            worker.Post(() => done.Add(second));
        }
    });

    /// <summary>A node that failed to start disposes of its threads like this.</summary>
    [Fact]
    public void A_worker_that_was_never_started_is_disposed_at_once() =>
        CoyoteTestRunner.Explore(1, () => new ThreadWorker("worker").Dispose());

    [Fact]
    public void Work_posted_to_a_sleeping_worker_runs() => CoyoteTestRunner.Explore(300, () =>
    {
        using var worker = new ThreadWorker("worker");
        worker.Start();
        var completed = new WakeSignal();

        for (var i = 0; i < 3; i++)
        {
            worker.Post(completed.Set);
            completed.Wait();
        }
    });

    [Fact]
    public void A_post_concurrent_with_dispose_runs_or_is_dropped() => CoyoteTestRunner.Explore(300, () =>
    {
        var done = 0;
        var worker = new ThreadWorker("worker");
        worker.Start();

        var poster = new Thread(() =>
        {
            worker.Post(() => done++);
            worker.Post(() => done++);
        });
        poster.Start();
        worker.Dispose();
        var atTheEnd = done;
        poster.Join();

        Assert.Equal(atTheEnd, done);
    });
}

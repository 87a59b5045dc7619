// Substitutes for types that Coyote does not control, used where the sources of Quorate.Node are compiled into this project. Production
// code uses the originals.

// Coyote controls Monitor, not System.Threading.Lock: here every lock is a Monitor.
global using Lock = System.Object;

global using Thread = Quorate.Concurrency.Tests.UnnamedThread;

// Coyote controls tasks, not work that is queued to the thread pool without one.
global using ThreadPool = Quorate.Concurrency.Tests.TaskThreadPool;

namespace Quorate.Concurrency.Tests;

/// <summary>A thread whose name is not passed on: Coyote identifies the threads it controls by the names it has given them.</summary>
internal sealed class UnnamedThread(ThreadStart start)
{
    private readonly System.Threading.Thread _thread = new(start);

    public static UnnamedThread CurrentThread { get; } = new(static () => { });

    public string? Name { get; set; }

    public bool IsBackground { get; init; }

    public ThreadState ThreadState => _thread.ThreadState;

    public void Start() => _thread.Start();

    public void Join() => _thread.Join();

    /// <summary>As <see cref="System.Threading.Thread.Sleep(TimeSpan)"/>; no explored schedule reaches it.</summary>
    public static void Sleep(TimeSpan duration) => System.Threading.Thread.Sleep(duration);
}

/// <summary>A thread pool in which each work item is a task.</summary>
internal static class TaskThreadPool
{
    public static void UnsafeQueueUserWorkItem(IThreadPoolWorkItem work, bool preferLocal) => _ = Task.Run(work.Execute);
}

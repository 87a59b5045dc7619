namespace Quorate.Node.Threading;

/// <summary>The loop that runs a group's iterations, as the components that bring it events see it.</summary>
/// <remarks>Threading: any thread. Neither method blocks for longer than one iteration.</remarks>
internal interface ILoop
{
    /// <summary>Requests an iteration: a client has added a request, or the applier has failed.</summary>
    void Signal();

    /// <summary>Requests an iteration for an event of the disk or the network. The calling thread may run it itself.</summary>
    void TryRunInline();
}

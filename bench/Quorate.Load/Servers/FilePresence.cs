namespace Quorate.Load.Servers;

/// <summary>
/// Looks every few milliseconds whether a file exists whose name matches a pattern, such as <c>data/n0/snapshot-*.new</c> for a snapshot
/// that is being written. Threading: any thread reads; the object has a thread of its own.
/// </summary>
internal sealed class FilePresence : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(5);

    private readonly (string Directory, string Name)[] _patterns;
    private readonly ManualResetEventSlim _stopped = new();
    private readonly Thread _looking;
    private volatile bool _isPresent;

    public FilePresence(IEnumerable<string> patterns)
    {
        _patterns = [.. patterns.Select(pattern => (Path.GetDirectoryName(Path.GetFullPath(pattern))!, Path.GetFileName(pattern)))];
        _isPresent = Look();
        _looking = new Thread(Run) { Name = "files", IsBackground = true };
        _looking.Start();
    }

    /// <summary>Whether there was such a file a few milliseconds ago.</summary>
    public bool IsPresent => _isPresent;

    public void Dispose()
    {
        _stopped.Set();
        _looking.Join();
        _stopped.Dispose();
    }

    private void Run()
    {
        while (!_stopped.Wait(Interval))
            _isPresent = Look();
    }

    private bool Look() => Array.Exists(
        _patterns, pattern => Directory.Exists(pattern.Directory) && Directory.EnumerateFiles(pattern.Directory, pattern.Name).Any());
}

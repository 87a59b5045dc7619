using Quorate.Node.Storage;
using Quorate.Raft;

namespace Quorate.Node.Wal;

/// <summary>Term and vote on disk, in two files with the same content: either of them may be corrupt or missing.</summary>
/// <remarks>
/// A member that has forgotten its term and vote can neither vote nor acknowledge: it might have promised not to. No other member can tell
/// it, so it keeps two files. A save flushes one after the other, and counts when both are on disk. So the later of two readable files
/// holds every state that counts, and so does each of them alone.
/// Data directories of version 0.1 have one file: builds of that version would write to the first one only, and leave the other outdated.
/// </remarks>
internal sealed class HardStateFiles : IDisposable
{
    private readonly HardStateFile _first;
    private readonly HardStateFile? _second;

    private HardStateFiles(HardStateFile first, HardStateFile? second) => (_first, _second) = (first, second);

    /// <summary>The state that was saved last.</summary>
    public HardState State => _first.State;

    /// <summary>The number of saves; 1 is the state of a new node.</summary>
    public ulong Generation => _first.Generation;

    /// <summary>Creates the files of a node that has never voted.</summary>
    /// <remarks>Durability: on disk when this returns.</remarks>
    public static HardStateFiles Create(IStorage storage, DirectoryStamp stamp, bool hasCopy)
    {
        var first = HardStateFile.Create(storage, stamp);
        try
        {
            return new HardStateFiles(first, hasCopy ? HardStateFile.Create(storage, stamp, HardStateFile.CopyName) : null);
        }
        catch
        {
            first.Dispose();
            throw;
        }
    }

    /// <summary>Opens the files, which must belong to this data directory, and writes one again that is unusable or outdated.</summary>
    /// <remarks>Durability: <see cref="State"/> is on disk, in both files, when this returns.</remarks>
    /// <param name="storage">The data directory.</param>
    /// <param name="stamp">The data directory that the files must belong to.</param>
    /// <param name="hasCopy">Whether there are two files.</param>
    /// <param name="onRepaired">Is called with the description of what was wrong with a file that was written again.</param>
    /// <exception cref="WalCorruptionException">No file can be used.</exception>
    public static HardStateFiles Open(IStorage storage, DirectoryStamp stamp, bool hasCopy, Action<string> onRepaired)
    {
        HardStateFile? first = null;
        HardStateFile? second = null;
        try
        {
            first = TryOpen(storage, stamp, HardStateFile.Name, out var firstFault);
            if (!hasCopy)
                return new HardStateFiles(first ?? throw firstFault!, null);
            second = TryOpen(storage, stamp, HardStateFile.CopyName, out var secondFault);
            if (first is null && second is null)
                throw firstFault!;

            // The newer one is not touched while the other is written.
            if (first is null || second?.Generation > first.Generation)
            {
                first?.Dispose();
                first = HardStateFile.Create(storage, stamp, HardStateFile.Name, second!.State, second.Generation);
            }
            else if (second is null || second.Generation < first.Generation)
            {
                second?.Dispose();
                second = HardStateFile.Create(storage, stamp, HardStateFile.CopyName, first.State, first.Generation);
            }

            if ((firstFault ?? secondFault) is { } fault)
                onRepaired($"{fault.File}: {fault.What}. It was written again from the other copy of term and vote.");
            return new HardStateFiles(first, second);
        }
        catch
        {
            first?.Dispose();
            second?.Dispose();
            throw;
        }
    }

    /// <summary>Whether a data directory has one of the files.</summary>
    public static bool Exist(IStorage storage) =>
        storage.List().Any(static name => name is HardStateFile.Name or HardStateFile.CopyName);

    /// <summary>Saves term and vote.</summary>
    /// <remarks>Durability: on disk, in both files, when this returns.</remarks>
    public void Save(HardState state)
    {
        _first.Save(state);
        _second?.Save(state);
    }

    public void Dispose()
    {
        _first.Dispose();
        _second?.Dispose();
    }

    private static HardStateFile? TryOpen(IStorage storage, DirectoryStamp stamp, string name, out WalCorruptionException? fault)
    {
        fault = null;
        if (!storage.List().Contains(name, StringComparer.Ordinal))
        {
            fault = new WalCorruptionException(
                name, 0, "term and vote", "the file is missing",
                "It is created before the first segment of the log, and a node that forgot a vote could vote twice in one term.");
            return null;
        }

        try
        {
            return HardStateFile.Open(storage, stamp, name);
        }
        catch (WalCorruptionException corruption)
        {
            fault = corruption;
            return null;
        }
    }
}

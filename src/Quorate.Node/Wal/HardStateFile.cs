using Quorate.Node.Storage;
using Quorate.Raft;

namespace Quorate.Node.Wal;

/// <summary>Term and vote on disk: two slots, written alternately, each of two copies in different pages.</summary>
/// <remarks>
/// A save writes both copies of the slot that holds the older state, then flushes; the slot with the current state is not touched. Hence
/// every saved state is in <em>both</em> copies of its slot, and one corrupt copy loses nothing. When both copies of a slot are unreadable,
/// it is unknown whether it held the newer vote, and a node that forgot a vote may vote twice in a term: that is corruption, even if the
/// other slot is valid. A sector is written in full or not at all, so a power loss never makes a copy unreadable.
/// <code>
///   page 0        page 1        page 2        page 3
///   slot 0        slot 0        slot 1        slot 1         slot = generation mod 2
///   copy 0        copy 1        copy 2        copy 3
/// </code>
/// </remarks>
internal sealed class HardStateFile : IDisposable
{
    public const string Name = "hardstate";
    public const string CopyName = "hardstate-copy";
    public const int PageBytes = 4096;
    public const int Copies = 4;
    private readonly IStorageFile _file;
    private readonly DirectoryStamp _stamp;
    private HardStateCopy _newest;

    private HardStateFile(IStorageFile file, HardStateCopy newest)
    {
        _file = file;
        _newest = newest;
        _stamp = newest.Stamp;
    }

    /// <summary>The state that was saved last.</summary>
    public HardState State => _newest.State;

    /// <summary>The number of saves; 1 is the state of a new node.</summary>
    public ulong Generation => _newest.Generation;

    /// <summary>Creates or replaces the file, durably and atomically.</summary>
    /// <param name="storage">The data directory.</param>
    /// <param name="stamp">The data directory that the file belongs to.</param>
    /// <param name="name">The name of the file.</param>
    /// <param name="state">The state; default: of a node that has never voted.</param>
    /// <param name="generation">The number of the save, at least 1. The slot of the one before it holds the same state.</param>
    public static HardStateFile Create(
        IStorage storage, DirectoryStamp stamp, string name = Name, HardState state = default, ulong generation = 1)
    {
        var pages = new byte[Copies * PageBytes];
        for (var copy = 0; copy < Copies; copy++)
        {
            var isNewest = (ulong)copy / 2 == generation % 2;
            new HardStateCopy(isNewest ? generation : generation - 1, state, stamp).Write(pages.AsSpan(copy * PageBytes), copy);
        }

        AtomicFile.Replace(storage, name, pages);
        return Open(storage, stamp, name);
    }

    /// <summary>
    /// Opens the file, which must belong to this data directory. Rewrites an unreadable copy, and the newest state in any case.
    /// </summary>
    /// <remarks>
    /// Durability: <see cref="State"/> is on disk when this returns, even if the previous process ended before its flush completed.
    /// </remarks>
    /// <exception cref="WalCorruptionException">A slot is unreadable, or the file belongs to another data directory.</exception>
    public static HardStateFile Open(IStorage storage, DirectoryStamp stamp, string name = Name)
    {
        var file = storage.Open(name);
        try
        {
            var slots = ReadSlots(file, stamp);
            var newest = slots[0].Generation > slots[1].Generation ? slots[0] : slots[1];
            var opened = new HardStateFile(file, newest);
            opened.Repair(slots);
            return opened;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Saves term and vote.</summary>
    /// <remarks>Durability: on disk when this returns.</remarks>
    public void Save(HardState state)
    {
        var next = new HardStateCopy(_newest.Generation + 1, state, _stamp);
        WriteSlot(_file, next);
        _file.Flush();
        _newest = next;
    }

    public void Dispose() => _file.Dispose();

    private static HardStateCopy[] ReadSlots(IStorageFile file, DirectoryStamp stamp)
    {
        var slots = new HardStateCopy[2];
        for (var slot = 0; slot < 2; slot++)
        {
            var found = false;
            for (var copy = 2 * slot; copy < 2 * slot + 2; copy++)
            {
                if (!TryReadCopy(file, copy, out var read) || read.Generation % 2 != (ulong)slot)
                    continue;
                stamp.Verify(read.Stamp, file.Name, (copy * PageBytes) + HardStateCopy.StampAt, "term and vote");
                if (!found || read.Generation > slots[slot].Generation)
                {
                    slots[slot] = read;
                    found = true;
                }
            }

            if (!found)
            {
                throw new WalCorruptionException(
                    file.Name, 2L * slot * PageBytes, "term and vote", $"both copies of slot {slot} are unreadable",
                    "The slot may have held the newest vote, and a node that forgot a vote could vote twice in one term.");
            }
        }

        return slots;
    }

    // The copies of a slot may differ: one is corrupt, or was not reached by a save that a power loss interrupted. Either way both are made
    // to hold the slot's newer generation. Of the two slots, only the older one is written while the newer one is valid. The newest state
    // is rewritten in any case: that it can be read does not mean that it is on disk (LogRecovery.MakeTailDurable).
    private void Repair(HardStateCopy[] slots)
    {
        foreach (var slot in slots.OrderByDescending(static s => s.Generation))
        {
            var whole = true;
            for (var i = 0; i < 2; i++)
                whole &= TryReadCopy(_file, CopyOf(slot, i), out var read) && read == slot;
            if (whole && slot != _newest)
                continue;
            WriteSlot(_file, slot);
            _file.Flush();
        }
    }

    // A copy that the disk cannot read counts as missing.
    private static bool TryReadCopy(IStorageFile file, int copy, out HardStateCopy slot)
    {
        slot = default;
        Span<byte> bytes = stackalloc byte[HardStateCopy.Bytes];
        try
        {
            if (file.Read(copy * PageBytes, bytes) != bytes.Length)
                return false;
        }
        catch (IOException)
        {
            return false;
        }

        return HardStateCopy.TryRead(bytes, copy, file.Name, out slot);
    }

    private static void WriteSlot(IStorageFile file, HardStateCopy slot)
    {
        Span<byte> bytes = stackalloc byte[HardStateCopy.Bytes];
        for (var i = 0; i < 2; i++)
        {
            var copy = CopyOf(slot, i);
            slot.Write(bytes, copy);
            file.Write(copy * PageBytes, bytes);
        }
    }

    private static int CopyOf(HardStateCopy slot, int i) => 2 * (int)(slot.Generation % 2) + i;
}

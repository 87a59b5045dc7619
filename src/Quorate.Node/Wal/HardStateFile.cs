using Quorate.Node.Io;
using Quorate.Raft;

namespace Quorate.Node.Wal;

/// <summary>Term and vote on the disk: two slots, written in turn, each of two copies that lie in different pages.</summary>
/// <remarks>
/// A save writes both copies of the slot that holds the older state, then flushes; the slot with the state of before is not touched. Hence:
/// whatever was saved is in <em>both</em> copies of its slot, and one damaged copy loses nothing. When both copies of a slot are
/// unreadable nobody can say whether it held the newer vote, and a node that forgot a vote may vote twice in a term: that is damage,
/// however good the other slot is. A sector is written whole or not at all, so no power cut makes an unreadable copy.
/// <code>
///   page 0        page 1        page 2        page 3
///   slot 0        slot 0        slot 1        slot 1         slot = generation mod 2
///   copy 0        copy 1        copy 2        copy 3
/// </code>
/// </remarks>
internal sealed class HardStateFile : IDisposable
{
    public const string Name = "hardstate";
    private const int PageBytes = 4096;
    private const int Copies = 4;
    private readonly IStorageFile _file;
    private HardStateSlot _newest;

    private HardStateFile(IStorageFile file, HardStateSlot newest)
    {
        _file = file;
        _newest = newest;
    }

    /// <summary>What was saved last.</summary>
    public HardState State => _newest.State;

    /// <summary>How often it was saved; 1 is the state of a new node.</summary>
    public ulong Generation => _newest.Generation;

    /// <summary>Makes the file of a node that has never voted, durably: the file appears whole or not at all.</summary>
    public static HardStateFile Create(IStorage storage)
    {
        var pages = new byte[Copies * PageBytes];
        for (var copy = 0; copy < Copies; copy++)
            new HardStateSlot((ulong)copy / 2, default).Write(pages.AsSpan(copy * PageBytes), copy);
        AtomicFile.Replace(storage, Name, pages);
        return Open(storage);
    }

    /// <summary>Opens the file, and writes again a copy that could not be read, and the newest state whether it could or not.</summary>
    /// <remarks>Durability: what <see cref="State"/> says is on the disk when this returns, even if the process before ended before its flush did.</remarks>
    public static HardStateFile Open(IStorage storage)
    {
        var file = storage.Open(Name);
        try
        {
            var slots = ReadSlots(file);
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
    /// <remarks>Durability: on the disk when this returns.</remarks>
    public void Save(HardState state)
    {
        var next = new HardStateSlot(_newest.Generation + 1, state);
        WriteSlot(_file, next);
        _file.Flush();
        _newest = next;
    }

    public void Dispose() => _file.Dispose();

    private static HardStateSlot[] ReadSlots(IStorageFile file)
    {
        var slots = new HardStateSlot[2];
        for (var slot = 0; slot < 2; slot++)
        {
            var found = false;
            for (var copy = 2 * slot; copy < 2 * slot + 2; copy++)
            {
                if (TryReadCopy(file, copy, out var read) && read.Generation % 2 == (ulong)slot && (!found || read.Generation > slots[slot].Generation))
                {
                    slots[slot] = read;
                    found = true;
                }
            }

            if (!found)
                throw new WalCorruptionException(file.Name, 2L * slot * PageBytes, "term and vote", $"both copies of slot {slot} are unreadable",
                    "It may have held the newest vote, and a node that forgot a vote could vote twice in one term.");
        }

        return slots;
    }

    // A copy may differ from its twin: damaged, or left behind by a power cut in the middle of a save. Either way both are made to hold the
    // slot's newer generation. Of the two slots only the older one is written while the newer one stands.
    // The newest is written in any case: that it can be read does not mean that it is on the disk (LogRecovery.MakeEndDurable).
    private void Repair(HardStateSlot[] slots)
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

    // A copy that the disk cannot read is one that is not there.
    private static bool TryReadCopy(IStorageFile file, int copy, out HardStateSlot slot)
    {
        slot = default;
        Span<byte> bytes = stackalloc byte[HardStateSlot.Bytes];
        try
        {
            if (file.Read(copy * PageBytes, bytes) != bytes.Length)
                return false;
        }
        catch (IOException)
        {
            return false;
        }

        return HardStateSlot.TryRead(bytes, copy, file.Name, out slot);
    }

    private static void WriteSlot(IStorageFile file, HardStateSlot slot)
    {
        Span<byte> bytes = stackalloc byte[HardStateSlot.Bytes];
        for (var i = 0; i < 2; i++)
        {
            var copy = CopyOf(slot, i);
            slot.Write(bytes, copy);
            file.Write(copy * PageBytes, bytes);
        }
    }

    private static int CopyOf(HardStateSlot slot, int i) => 2 * (int)(slot.Generation % 2) + i;
}

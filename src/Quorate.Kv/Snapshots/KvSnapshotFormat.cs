namespace Quorate.Kv.Snapshots;

/// <summary>
/// The bytes of a snapshot of the store, written by <see cref="SnapshotEncoder"/> and read by <see cref="SnapshotDecoder"/>.
/// </summary>
/// <remarks>
/// <code>
///   0   4   QKVS
///   4   1   format: 1
///   5   …   numbers: applied index; revision; compact revision + 1; the version up to which the compaction has swept: main, sub + 1;
///           lease clock: milliseconds, last advance, previous advance
///       24  sums of hashes, little-endian: versions written, versions swept, changes of leases
///           versions, ascending by revision, then number 0
///           key index, ascending by key, then number 0
///           leases, ascending by id as an unsigned number, then number 0
///       4   CRC-32C over everything before, little-endian
///
///   version     number  main revision, less that of the version before (0 for the first), plus 1
///               number  sub revision
///               fields  version, create revision, lease, as below
///               link    previous version of the key
///               link    skip link
///               number  length of the key
///               number  length of the value; missing for a deletion
///               key, value
///   key         number  length of the key, plus 1
///               key
///               number  main revision of its newest version
///               number  sub revision
///               fields  version, create revision, lease, as below
///               number  ordinal of the version among all of the key
///               link    skip link
///   lease       signed  id
///               number  time to live in seconds
///               number  index of the last renewal
///               number  clock anchor, plus 1; 0 for none
///
///   fields      number  version; 0 for a deletion, and then nothing follows
///               number  main revision less the create revision
///               signed  lease
///   link        number  main revision less that of the linked version, plus 1; 0 for none, and then nothing follows
///               number  sub revision
///   number      base-128, low group first, in its shortest form; signed: zigzag-encoded before
/// </code>
/// The sum of the hashes of the versions is that of those written less that of those swept (<see cref="Mvcc.RecordHash"/>).
/// Equal states have equal bytes. What can be derived is not in the file: the attachments of keys to leases, and sizes and counts.
/// Every change requires a new format and updates of docs/formats/kv-snapshot.md and of the golden file in the tests.
/// </remarks>
internal static class KvSnapshotFormat
{
    public const byte Format = 1;

    public const int ChecksumBytes = sizeof(uint);

    /// <summary>
    /// The maximum number of bytes of a key and its value. A command is one entry of the log, which is far smaller; a page holds its bytes
    /// in one array, which may have two gigabytes.
    /// </summary>
    public const int EntryBytesMax = 1 << 30;

    public static ReadOnlySpan<byte> Magic => "QKVS"u8;
}

using System.Buffers.Binary;
using System.Globalization;
using Quorate.Node.Wal;
using Quorate.Raft;

namespace Quorate.Node.Storage;

/// <summary>
/// What each file of the write-ahead log states about the data directory in which it was created, so that a file of another directory is
/// recognised. All integers are little-endian.
/// </summary>
/// <remarks><code>
///   0   8  directory id
///   8   8  member id; only for the error message, because a directory id belongs to one member
/// </code></remarks>
internal readonly record struct DirectoryStamp(DirectoryId Directory, NodeId Member)
{
    public const int Bytes = 16;

    public void Write(Span<byte> target)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(target, Directory.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(target[8..], Member.Value);
    }

    public static DirectoryStamp Read(ReadOnlySpan<byte> source) => new(
        new DirectoryId(BinaryPrimitives.ReadUInt64LittleEndian(source)), new NodeId(BinaryPrimitives.ReadUInt64LittleEndian(source[8..])));

    /// <summary>Throws unless the stamp that was found in a file is this one.</summary>
    /// <param name="found">The stamp in the file; its checksum was verified.</param>
    /// <param name="file">The name of the file.</param>
    /// <param name="offset">The offset of the stamp, bytes.</param>
    /// <param name="content">What the file holds, for the error message.</param>
    public void Verify(DirectoryStamp found, string file, long offset, string content)
    {
        if (found.Directory != Directory)
        {
            throw new WalCorruptionException(
                file, offset, content,
                $"the file belongs to another data directory: {Describe(found)}; this one is {Describe(this)}",
                "A member that uses the log or the votes of another data directory forgets its own.", cause: null,
                "If the file was copied here by mistake, put the file of this data directory back.");
        }
    }

    private static string Describe(DirectoryStamp stamp) =>
        string.Create(CultureInfo.InvariantCulture, $"directory {stamp.Directory} of member {stamp.Member}");
}

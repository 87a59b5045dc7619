using System.Globalization;
using Quorate.Node.Snapshots;
using Quorate.Node.Storage;

namespace Quorate.Cli.Inspect;

/// <summary>Shows and verifies snapshot files.</summary>
internal sealed class SnapshotInspector(InspectOutput output)
{
    private byte[] _buffer = new byte[SnapshotChunk.HeaderBytes + SnapshotChunk.PayloadBytesMax];

    /// <summary>Shows the snapshots of a data directory, or one file.</summary>
    /// <exception cref="IOException">The path does not exist, or there is no snapshot in the directory.</exception>
    public void Inspect(string path)
    {
        if (!Directory.Exists(path))
        {
            InspectFile(path, cluster: null);
            return;
        }

        var names = new ReadOnlyStorage(path).List().Where(IsSnapshot).ToArray();
        if (names.Length == 0)
            throw new IOException($"{path} contains no snapshot.");
        var cluster = ReadCluster(path);
        foreach (var name in names)
            InspectFile(Path.Combine(path, name), cluster);
    }

    private static bool IsSnapshot(string name) =>
        SnapshotName.TryParse(name, out _, out _) || SnapshotName.IsUnfinished(name) || name == SnapshotName.Receiving;

    private static ulong? ReadCluster(string directory)
    {
        try
        {
            return DataDirectoryIdentity.Read(directory)?.ClusterId;
        }
        catch (IOException)
        {
            // "inspect wal" reports it.
            return null;
        }
    }

    private void InspectFile(string path, ulong? cluster)
    {
        using var file = new ReadOnlyFile(path);
        output.Write(
            "file", 0, string.Create(CultureInfo.InvariantCulture, $"{file.Name}: {file.Length} bytes"),
            ("file", file.Name), ("bytes", file.Length));

        // An incomplete one has its name because it is not complete.
        var isIncomplete = file.Name == SnapshotName.Receiving || SnapshotName.IsUnfinished(file.Name);
        var verifier = new SnapshotVerifier(file.Name, file.Length);
        try
        {
            InspectUnits(file, verifier, cluster);
            output.Write("snapshot", 1, "valid", ("file", file.Name), ("valid", true), ("contentBytes", verifier.ContentBytes));
        }
        catch (SnapshotCorruptionException e) when (isIncomplete)
        {
            var text = string.Create(CultureInfo.InvariantCulture, $"incomplete: valid up to byte {verifier.Offset}");
            output.Write("incomplete", 1, text, ("file", file.Name), ("validBytes", verifier.Offset), ("what", e.Message));
        }
        catch (SnapshotCorruptionException e)
        {
            output.WriteCorruption(file.Name, e.Offset, e.What);
        }
        catch (IOException e)
        {
            output.WriteUnsupported(file.Name, e.Message);
        }
    }

    private void InspectUnits(ReadOnlyFile file, SnapshotVerifier verifier, ulong? cluster)
    {
        while (!verifier.IsComplete)
        {
            var (offset, chunks) = (verifier.Offset, verifier.Chunks);
            var hasHeader = verifier.Header is not null;
            var hasConfiguration = verifier.Configuration is not null;
            var read = SnapshotFile.Read(file, offset, _buffer);
            var length = verifier.UnitBytes(_buffer.AsSpan(0, read));
            if (length > _buffer.Length)
            {
                _buffer = new byte[length];
                read = SnapshotFile.Read(file, offset, _buffer);
            }

            var payload = verifier.Accept(_buffer.AsSpan(0, Math.Min(length, read)));
            if (!hasHeader)
                WriteHeader(file.Name, verifier.Header!.Value, cluster);
            else if (!hasConfiguration)
                WriteConfiguration(offset, verifier);
            else if (verifier.IsComplete)
                WriteTrailer(offset, verifier);
            else if (!output.IsSummary)
                WriteChunk(offset, chunks, payload.Length);
        }
    }

    private void WriteHeader(string file, SnapshotHeader header, ulong? cluster)
    {
        output.Write(
            "header", 1,
            string.Create(
                CultureInfo.InvariantCulture,
                $"format {SnapshotHeader.Version}, last entry {header.Last.Index} of term {header.Last.Term}, nonce {header.Nonce:x16}, " +
                $"cluster {header.ClusterId:x16}, group {header.Group}"),
            ("format", (int)SnapshotHeader.Version), ("index", header.Last.Index.Value), ("term", header.Last.Term.Value),
            ("nonce", Hex(header.Nonce)), ("cluster", Hex(header.ClusterId)), ("group", header.Group.Value));
        if (cluster is { } expected && expected != header.ClusterId)
            header.VerifyOwner(file, expected, header.Group);
        if (SnapshotName.TryParse(file, out var last, out var nonce) && (last != header.Last.Index || nonce != header.Nonce))
            throw new SnapshotCorruptionException(file, 0, "the name of the file states another entry or nonce than the header", "");
    }

    private void WriteConfiguration(long offset, SnapshotVerifier verifier)
    {
        var configuration = verifier.Configuration!;
        output.Write(
            "configuration", 1,
            string.Create(
                CultureInfo.InvariantCulture,
                $"configuration at {offset}: voters {string.Join(' ', configuration.Voters)}" +
                $"{(configuration.IsJoint ? $", outgoing {string.Join(' ', configuration.Outgoing)}" : "")}" +
                $"{(configuration.Learners.IsEmpty ? "" : $", learners {string.Join(' ', configuration.Learners)}")}"),
            ("offset", offset), ("voters", string.Join(' ', configuration.Voters)),
            ("outgoing", string.Join(' ', configuration.Outgoing)), ("learners", string.Join(' ', configuration.Learners)));
    }

    private void WriteChunk(long offset, long chunk, int payloadBytes) => output.Write(
        "chunk", 1, string.Create(CultureInfo.InvariantCulture, $"chunk {chunk} at {offset}: {payloadBytes} bytes"),
        ("chunk", chunk), ("offset", offset), ("bytes", payloadBytes));

    private void WriteTrailer(long offset, SnapshotVerifier verifier) => output.Write(
        "trailer", 1,
        string.Create(
            CultureInfo.InvariantCulture,
            $"trailer at {offset}: {verifier.Chunks} chunks, {verifier.ContentBytes} bytes of content"),
        ("offset", offset), ("chunks", verifier.Chunks), ("contentBytes", verifier.ContentBytes));

    private static string Hex(ulong value) => value.ToString("x16", CultureInfo.InvariantCulture);
}

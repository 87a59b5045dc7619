using System.Numerics;
using System.Text;
using System.Text.Json;

namespace Quorate.Server.Tests.Inspect;

public sealed class SnapshotInspectorTests : IDisposable
{
    private readonly InspectedDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void A_snapshot_is_shown_and_verified()
    {
        var (text, corruptions) = _directory.InspectSnapshot();

        Assert.Equal(0, corruptions);
        Assert.Equal(
            """
            snapshot-0000000000000102-00000000cafef00d: 807 bytes
              format 1, last entry 258 of term 3, nonce 00000000cafef00d, cluster 000000000000c0de, group 1
              configuration at 512: voters 1 2, outgoing 2 3, learners 4
              chunk 0 at 584: 64 bytes
              chunk 1 at 656: 64 bytes
              chunk 2 at 728: 39 bytes
              trailer at 775: 3 chunks, 167 bytes of content
              valid

            """,
            text);
        Assert.DoesNotContain("chunk 0", _directory.InspectSnapshot(isSummary: true).Text, StringComparison.Ordinal);
    }

    [Fact]
    public void The_JSON_output_is_an_object_on_each_line()
    {
        var types = new List<string>();
        foreach (var line in _directory.InspectSnapshot(isJson: true).Text.TrimEnd('\n').Split('\n'))
        {
            using var json = JsonDocument.Parse(line);
            types.Add(json.RootElement.GetProperty("type").GetString()!);
        }

        Assert.Equal(["file", "header", "configuration", "chunk", "chunk", "chunk", "trailer", "snapshot"], types);
    }

    [Fact]
    public void Every_flipped_bit_is_found()
    {
        var original = _directory.Read(InspectedDirectory.Snapshot);
        for (var bit = 0; bit < 8 * original.Length; bit++)
        {
            byte[] bytes = [.. original];
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            _directory.Write(InspectedDirectory.Snapshot, bytes);
            var (text, corruptions) = _directory.InspectSnapshot(InspectedDirectory.Snapshot);
            Assert.True(corruptions == 1, $"bit {bit % 8} of byte {bit / 8} was flipped:\n{text}");
            Assert.DoesNotContain("valid", text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Every_truncation_is_found()
    {
        var original = _directory.Read(InspectedDirectory.Snapshot);
        for (var length = 0; length < original.Length; length++)
        {
            _directory.Write(InspectedDirectory.Snapshot, original.AsSpan(0, length));
            Assert.Equal(1, _directory.InspectSnapshot().Corruptions);
        }
    }

    [Fact]
    public void What_is_being_received_or_written_is_incomplete_and_not_corrupt()
    {
        var bytes = _directory.Read(InspectedDirectory.Snapshot);
        _directory.Write("snapshot-receiving", bytes.AsSpan(0, 700));
        _directory.Write(InspectedDirectory.Snapshot + ".new", bytes.AsSpan(0, 100));

        var (text, corruptions) = _directory.InspectSnapshot();

        Assert.Equal(0, corruptions);
        Assert.Contains("incomplete: valid up to byte 656", text, StringComparison.Ordinal);
        Assert.Contains("incomplete: valid up to byte 0", text, StringComparison.Ordinal);
        Assert.Contains("  valid", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_snapshot_under_another_name_is_a_corruption()
    {
        File.Move(_directory.PathOf(InspectedDirectory.Snapshot), _directory.PathOf("snapshot-0000000000000103-00000000cafef00d"));
        var (text, corruptions) = _directory.InspectSnapshot();
        Assert.Equal(1, corruptions);
        Assert.Contains("the name of the file states another entry or nonce", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_snapshot_of_another_cluster_is_a_corruption()
    {
        var lines = File.ReadAllText(_directory.PathOf(InspectedDirectory.Identity));
        lines = lines[..lines.IndexOf("crc32c", StringComparison.Ordinal)].Replace("c0de", "c0df", StringComparison.Ordinal);
        var body = Encoding.UTF8.GetBytes(lines);
        var checksum = ~body.Aggregate(~0u, BitOperations.Crc32C);
        _directory.Write(InspectedDirectory.Identity, [.. body, .. Encoding.UTF8.GetBytes($"crc32c {checksum:x8}\n")]);

        var (text, corruptions) = _directory.InspectSnapshot();
        Assert.Equal(1, corruptions);
        Assert.Contains("this is cluster 000000000000c0df", text, StringComparison.Ordinal);
        Assert.Equal(0, _directory.InspectSnapshot(InspectedDirectory.Snapshot).Corruptions);
    }
}

using System.Buffers.Binary;
using System.Text.Json;

namespace Quorate.Server.Tests.Inspect;

public sealed class WalInspectorTests : IDisposable
{
    private const int SectorBytes = 512;
    private const int EndOfFrames = 2048;
    private const int SecondFrame = 1536;
    private readonly InspectedDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void A_data_directory_is_shown_with_all_frames_and_entries()
    {
        var (text, corruptions) = _directory.InspectWal();

        Assert.Equal(0, corruptions);
        Assert.Equal(
            """
            identity: cluster 000000000000c0de, member a1, members a1 b2 c3, directory 5f1c2d3e4a5b6c7d, newest segment 1
            hardstate: term 3, vote a1, generation 3, directory 5f1c2d3e4a5b6c7d
            wal-0000000000000001.log: segment 1, format 2, 16384 bytes, nonce 1234567938f458a9, directory 5f1c2d3e4a5b6c7d, member a1
              frame 1 at 512: 824 bytes, 3 entries from 1, log begins at 1, commit mark 0
                entry 1 of term 1 at 576: no-op, 0 bytes
                entry 2 of term 1 at 624: command, 11 bytes, proposal b2#77: not a command of the key-value store
                entry 3 of term 1 at 688: command, 600 bytes, proposal b2#78: not a command of the key-value store
              frame 2 at 1536: 168 bytes, 2 entries from 4, log begins at 1, commit mark 2
                entry 4 of term 3 at 1600: no-op, 0 bytes
                entry 5 of term 3 at 1648: configuration, 5 bytes
              never written from byte 2048 on
            log: entries 1 to 5, last term 3, commit mark 2

            """,
            text);
    }

    [Fact]
    public void A_summary_omits_frames_and_entries()
    {
        var text = _directory.InspectWal(isSummary: true).Text;
        Assert.DoesNotContain("frame 1", text, StringComparison.Ordinal);
        Assert.DoesNotContain("entry 1", text, StringComparison.Ordinal);
        Assert.Contains("log: entries 1 to 5", text, StringComparison.Ordinal);
    }

    [Fact]
    public void The_JSON_output_is_an_object_on_each_line()
    {
        Flip(InspectedDirectory.Segment, 700);
        var types = new List<string>();
        foreach (var line in _directory.InspectWal(isJson: true).Text.TrimEnd('\n').Split('\n'))
        {
            using var json = JsonDocument.Parse(line);
            types.Add(json.RootElement.GetProperty("type").GetString()!);
        }

        Assert.Equal(
            [
                "identity", "hardstate", "segment", "frame", "entry", "entry", "corruption", "frame", "entry", "entry", "unwritten", "log",
            ],
            types);
    }

    [Theory]
    [InlineData(InspectedDirectory.Segment, "frame 2 at 1536")]
    [InlineData(InspectedDirectory.HardState, "term 3, vote a1")]
    [InlineData(InspectedDirectory.Identity, "member a1")]
    public void One_file_is_shown_alone(string name, string expected)
    {
        var (text, corruptions) = _directory.InspectWal(name);
        Assert.Equal(0, corruptions);
        Assert.Contains(expected, text, StringComparison.Ordinal);
        Assert.DoesNotContain("log: entries", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_segment_under_another_name_is_shown()
    {
        File.Move(_directory.PathOf(InspectedDirectory.Segment), _directory.PathOf("copy"));
        var (text, corruptions) = _directory.InspectWal("copy");
        Assert.Equal(0, corruptions);
        Assert.Contains("copy: segment 1", text, StringComparison.Ordinal);
    }

    /// <summary>A flipped bit is found wherever it is, also without the rest of the directory.</summary>
    [Fact]
    public void Every_flipped_bit_of_a_segment_is_found()
    {
        var original = _directory.Read(InspectedDirectory.Segment);
        for (var bit = 0; bit < 8 * EndOfFrames; bit += 5)
        {
            byte[] bytes = [.. original];
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            _directory.Write("copy.log", bytes);
            var (text, corruptions) = _directory.InspectWal("copy.log");
            Assert.True(corruptions > 0, $"bit {bit % 8} of byte {bit / 8} was flipped:\n{text}");
        }
    }

    [Theory]
    [InlineData(16)]
    [InlineData(100)]
    [InlineData(520)]
    [InlineData(580)]
    [InlineData(1400)]
    public void The_frames_after_a_corruption_are_shown(int offset)
    {
        Flip(InspectedDirectory.Segment, offset);
        var (text, corruptions) = _directory.InspectWal();

        Assert.True(corruptions >= 2, text);
        Assert.Contains("entry 5 of term 3", text, StringComparison.Ordinal);
        Assert.Contains("CORRUPTION in wal-0000000000000001.log at byte ", text, StringComparison.Ordinal);
        Assert.Contains("a start of the member fails: Corruption in ", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_flipped_bit_of_the_copies_of_term_and_vote_is_found()
    {
        var original = _directory.Read(InspectedDirectory.HardState);
        for (var copy = 0; copy < 4; copy++)
        {
            for (var bit = 0; bit < 8 * 64; bit++)
            {
                byte[] bytes = [.. original];
                bytes[(copy * 4096) + (bit / 8)] ^= (byte)(1 << (bit % 8));
                _directory.Write(InspectedDirectory.HardState, bytes);
                var (text, corruptions) = _directory.InspectWal(InspectedDirectory.HardState);
                Assert.True(corruptions == 1, $"bit {bit} of copy {copy} was flipped:\n{text}");
                Assert.Contains($"copy {copy}, of slot {copy / 2}, is unreadable", text, StringComparison.Ordinal);
                Assert.Contains("term 3, vote a1", text, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void An_incomplete_last_frame_is_a_torn_write_and_not_a_corruption()
    {
        // The first frame has two sectors; the second frame is gone, and so is the first sector of the first frame or its second one.
        foreach (var missing in new[] { SectorBytes, 2 * SectorBytes })
        {
            var bytes = File.ReadAllBytes(_directory.PathOf(InspectedDirectory.Segment));
            Clear(bytes, SecondFrame);
            Clear(bytes, missing);
            _directory.Write("copy.log", bytes);
            var (text, corruptions) = _directory.InspectWal("copy.log");
            Assert.Equal(0, corruptions);
            Assert.Contains("torn write in copy.log at byte 512", text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_torn_write_is_reported_with_what_a_start_does()
    {
        var bytes = _directory.Read(InspectedDirectory.Segment);

        // The rest of a frame of which the first sector was not written.
        bytes.AsSpan(SecondFrame, SectorBytes).CopyTo(bytes.AsSpan(EndOfFrames + SectorBytes));
        _directory.Write(InspectedDirectory.Segment, bytes);
        var (text, corruptions) = _directory.InspectWal();
        Assert.Equal(0, corruptions);
        Assert.Contains("torn write in wal-0000000000000001.log at byte 2048", text, StringComparison.Ordinal);
        Assert.Contains("a start truncates a torn write", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_frame_is_a_corruption()
    {
        var bytes = _directory.Read(InspectedDirectory.Segment);
        Clear(bytes, SectorBytes);
        Clear(bytes, 2 * SectorBytes);
        _directory.Write(InspectedDirectory.Segment, bytes);
        var (text, corruptions) = _directory.InspectWal();
        Assert.True(corruptions >= 2, text);
        Assert.Contains("at byte 512: a frame is missing", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_truncated_segment_is_a_corruption()
    {
        _directory.Write(InspectedDirectory.Segment, _directory.Read(InspectedDirectory.Segment).AsSpan(0, 1700));
        var (text, corruptions) = _directory.InspectWal();
        Assert.True(corruptions >= 2, text);
        Assert.Contains("entry 3 of term 1", text, StringComparison.Ordinal);

        _directory.Write(InspectedDirectory.Segment, [1, 2, 3]);
        Assert.True(_directory.InspectWal().Corruptions >= 2);
    }

    [Fact]
    public void Missing_files_are_corruption()
    {
        File.Delete(_directory.PathOf(InspectedDirectory.HardState));
        var (text, corruptions) = _directory.InspectWal();
        Assert.Equal(1, corruptions);
        Assert.Contains("hardstate at byte 0", text, StringComparison.Ordinal);

        File.Delete(_directory.PathOf(InspectedDirectory.Identity));
        Assert.Contains("CORRUPTION in identity at byte 0: the file is missing", _directory.InspectWal().Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_corrupt_identity_is_found()
    {
        Flip(InspectedDirectory.Identity, 30);
        var (text, corruptions) = _directory.InspectWal();
        Assert.Equal(1, corruptions);
        Assert.Contains("CORRUPTION in identity at byte 0: its checksum is wrong", text, StringComparison.Ordinal);
        Assert.Contains("entry 5 of term 3", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_directory_without_a_log_is_an_error()
    {
        using var empty = new TemporaryDirectory();
        Assert.Throws<IOException>(() => new Cli.Inspect.WalInspector(null!, false, null!).Inspect(empty.Path));
        Assert.Throws<IOException>(() => new Cli.Inspect.SnapshotInspector(null!).Inspect(empty.Path));
    }

    private void Flip(string name, int offset)
    {
        var bytes = _directory.Read(name);
        bytes[offset] ^= 4;
        _directory.Write(name, bytes);
    }

    // Makes a sector look as if it was never written (docs/formats/wal.md).
    private static void Clear(byte[] segment, int offset)
    {
        var nonce = BinaryPrimitives.ReadUInt64LittleEndian(segment.AsSpan(24));
        for (var at = 0; at < SectorBytes; at += 8)
        {
            var word = unchecked((nonce ^ (ulong)offset) * 0x9E3779B97F4A7C15);
            BinaryPrimitives.WriteUInt64LittleEndian(segment.AsSpan(offset + at), word);
        }
    }
}

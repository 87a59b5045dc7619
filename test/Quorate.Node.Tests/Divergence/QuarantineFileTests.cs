using System.Text;
using Quorate.Node.Divergence;
using Quorate.Node.Tests.Storage;
using Quorate.Raft;

namespace Quorate.Node.Tests.Divergence;

/// <summary>The marker of a quarantined member; docs/formats/quarantine.md.</summary>
public sealed class QuarantineFileTests
{
    private static readonly Quarantine _quarantine = new() { Entry = new LogIndex(8192), Reason = "Its state differs." };

    /// <summary>Markers on disks contain these bytes.</summary>
    [Fact]
    public void Format_1_has_the_golden_bytes() => Assert.Equal(
        "quorate quarantine 1\nentry 8192\nreason Its state differs.\ncrc32c ce63eb3d\n",
        Encoding.UTF8.GetString(QuarantineFile.Encode(_quarantine)));

    [Fact]
    public void A_marker_is_read_as_it_was_written()
    {
        var storage = new MemoryStorage();
        Assert.Null(QuarantineFile.Read(storage));
        QuarantineFile.Write(storage, new Quarantine { Entry = new LogIndex(7), Reason = "one\nline" });

        var read = QuarantineFile.Read(storage)!;
        Assert.Equal((7ul, "one line"), (read.Entry.Value, read.Reason));
    }

    /// <summary>A member whose marker is damaged must not serve: nothing shows that it was not quarantined.</summary>
    [Fact]
    public void A_marker_that_cannot_be_read_quarantines_too()
    {
        var bytes = QuarantineFile.Encode(_quarantine);
        for (var length = 0; length < bytes.Length; length++)
            Assert.Contains("its content is not what this build writes", QuarantineFile.Decode(bytes.AsSpan(0, length)).Reason);
        for (var bit = 0; bit < 8 * bytes.Length; bit++)
        {
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.Contains("its content is not what this build writes", QuarantineFile.Decode(bytes).Reason);
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }
}

using System.Text;
using Quorate.Node.Storage;

namespace Quorate.Node.Tests.Storage;

/// <summary>CRC-32C against the published values.</summary>
public sealed class Crc32CTests
{
    /// <summary>The check value of the CRC catalogue.</summary>
    [Fact]
    public void Crc32C_matches_the_catalogue_check_value() => Assert.Equal(0xE306_9283u, Crc32C.Of(Encoding.ASCII.GetBytes("123456789")));

    /// <summary>RFC 3720 appendix B.4.</summary>
    [Fact]
    public void Crc32C_matches_the_vectors_of_RFC_3720()
    {
        Assert.Equal(0x8A91_36AAu, Crc32C.Of(new byte[32]));
        Assert.Equal(0x62A8_AB43u, Crc32C.Of(Enumerable.Repeat((byte)0xFF, 32).ToArray()));
        Assert.Equal(0x46DD_794Eu, Crc32C.Of(Enumerable.Range(0, 32).Select(static i => (byte)i).ToArray()));
    }
}

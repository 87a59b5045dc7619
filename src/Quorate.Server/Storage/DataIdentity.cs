using System.Text.Json;
using System.Text.Json.Serialization;

namespace Quorate.Server.Storage;

/// <summary>
/// The identity of the member that owns a data directory: written once, before all other data, and verified at every start.
/// </summary>
/// <remarks>
/// A member that starts with the data of another member could vote twice in one term. The file is JSON, readable by operators; ids are
/// hexadecimal, as etcd prints them. Each file format has its own number.
/// </remarks>
internal sealed record DataIdentity(
    [property: JsonPropertyName("format")] int Format,
    [property: JsonPropertyName("cluster_id")] string ClusterId,
    [property: JsonPropertyName("member_id")] string MemberId,
    [property: JsonPropertyName("name")] string Name,
    [property: JsonPropertyName("token")] string Token,
    [property: JsonPropertyName("initial_cluster")] string InitialCluster)
{
    /// <summary>The format number that this build reads and writes.</summary>
    public const int CurrentFormat = 1;

    /// <summary>Encodes the identity as the content of the file.</summary>
    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, DataIdentityJsonContext.Default.DataIdentity);

    /// <summary>Decodes the content of the file.</summary>
    /// <exception cref="JsonException">The content is not valid JSON, or a field is missing.</exception>
    public static DataIdentity Read(ReadOnlySpan<byte> bytes) =>
        JsonSerializer.Deserialize(bytes, DataIdentityJsonContext.Default.DataIdentity)
            is { ClusterId: not null, MemberId: not null, InitialCluster: not null } identity
            ? identity
            : throw new JsonException("a field is missing");
}

/// <summary>Source-generated JSON serialization, without reflection.</summary>
[JsonSourceGenerationOptions(WriteIndented = true)]
[JsonSerializable(typeof(DataIdentity))]
internal sealed partial class DataIdentityJsonContext : JsonSerializerContext;

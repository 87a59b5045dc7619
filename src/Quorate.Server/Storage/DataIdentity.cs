using System.Text.Json;
using System.Text.Json.Serialization;

namespace Quorate.Server.Storage;

/// <summary>Whose a data folder is: written once, before anything else is put into it, and checked at every start.</summary>
/// <remarks>
/// A member that starts with another's folder would vote with another's memory. JSON, so that a person can read it too; ids in hexadecimal,
/// as etcd writes them. Another format has another number.
/// </remarks>
internal sealed record DataIdentity(
    [property: JsonPropertyName("format")] int Format,
    [property: JsonPropertyName("cluster_id")] string ClusterId,
    [property: JsonPropertyName("member_id")] string MemberId,
    [property: JsonPropertyName("name")] string Name,
    [property: JsonPropertyName("token")] string Token,
    [property: JsonPropertyName("initial_cluster")] string InitialCluster)
{
    /// <summary>The format this build writes.</summary>
    public const int CurrentFormat = 1;

    /// <summary>As the file holds it.</summary>
    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, DataIdentityJsonContext.Default.DataIdentity);

    /// <summary>Reads what a file holds.</summary>
    /// <exception cref="JsonException">It is no such file.</exception>
    public static DataIdentity Read(ReadOnlySpan<byte> bytes) =>
        JsonSerializer.Deserialize(bytes, DataIdentityJsonContext.Default.DataIdentity) is { ClusterId: not null, MemberId: not null, InitialCluster: not null } identity
            ? identity
            : throw new JsonException("a field is missing");
}

/// <summary>Makes and reads the JSON without reflection.</summary>
[JsonSourceGenerationOptions(WriteIndented = true)]
[JsonSerializable(typeof(DataIdentity))]
internal sealed partial class DataIdentityJsonContext : JsonSerializerContext;

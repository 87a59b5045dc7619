using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Quorate.Node.Typed;

/// <summary>Encodes commands as JSON with the source generator of System.Text.Json: no reflection, ready for Native AOT.</summary>
/// <typeparam name="TCommand">
/// The command type. For several kinds of commands: a base type with <c>[JsonPolymorphic]</c> and <c>[JsonDerivedType]</c>.
/// </typeparam>
/// <param name="typeInfo">The contract of the type, from a <c>JsonSerializerContext</c>: <c>MyContext.Default.MyCommand</c>.</param>
/// <remarks>
/// Shape: one JSON value in UTF-8. With the defaults of System.Text.Json a property that the type does not have is ignored, so a version
/// that adds a property can run next to one that does not know it; a new required property cannot be read from old entries.
/// Threading: safe for use from any thread.
/// Source: https://learn.microsoft.com/dotnet/standard/serialization/system-text-json/source-generation.
/// </remarks>
public sealed class JsonCommandCodec<TCommand>(JsonTypeInfo<TCommand> typeInfo) : ICommandCodec<TCommand>
    where TCommand : notnull
{
    private readonly JsonTypeInfo<TCommand> _typeInfo = typeInfo ?? throw new ArgumentNullException(nameof(typeInfo));

    /// <inheritdoc/>
    public void Encode(TCommand command, IBufferWriter<byte> destination)
    {
        using var writer = new Utf8JsonWriter(destination);
        JsonSerializer.Serialize(writer, command, _typeInfo);
    }

    /// <inheritdoc/>
    /// <exception cref="JsonException">The bytes are not JSON, or not that of a command.</exception>
    public TCommand Decode(ReadOnlyMemory<byte> encoded) =>
        JsonSerializer.Deserialize(encoded.Span, _typeInfo) ?? throw new JsonException("The JSON value is null, which is no command.");
}

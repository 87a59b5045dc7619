using System.Buffers;
using System.Buffers.Text;
using System.Collections;
using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using Quorate.Server.Etcd;

namespace Quorate.Server.Http;

/// <summary>Parses a JSON request into a protobuf message, by the descriptor of the message.</summary>
/// <remarks>
/// Google.Protobuf's own parser converts every JSON number to double, which cannot represent integers above 2^53 exactly: lease ids then
/// name other leases. This parser reads an integer from its digits.
/// <code>
///   integers   a JSON number or a string: 7, "7", 7.0, 7e0; neither a fraction nor a number outside the range of the field
///   bytes      base64, with the standard or the URL-safe alphabet, padded or not
///   enums      the name or the number
///   fields     the name in the .proto file or its camel case; unknown fields and null are ignored
/// </code>
/// Errors: <see cref="RpcException"/>, InvalidArgument with the reason. Source: protobuf's JSON mapping; etcd's gRPC gateway.
/// </remarks>
internal static class JsonMessageParser
{
    /// <summary>The maximum nesting of objects and arrays: each level of nested transactions needs three.</summary>
    private const int DepthMax = 200;

    /// <summary>The number of characters of a wrong value that an error message repeats.</summary>
    private const int QuotedCharactersMax = 40;

    /// <summary>The fields of each message by both of their names.</summary>
    private static readonly ConcurrentDictionary<MessageDescriptor, FrozenDictionary<string, FieldDescriptor>> Fields = new();

    /// <summary>Parses one JSON object; an empty text is an empty object.</summary>
    /// <exception cref="RpcException">The text is not a JSON object, or a field has a value that its type does not allow.</exception>
    public static TMessage Parse<TMessage>(ReadOnlySpan<byte> json)
        where TMessage : IMessage, new()
    {
        var message = new TMessage();
        if (json.IsEmpty)
            return message;
        if (!Utf8.IsValid(json))
            throw EtcdErrors.MalformedJson("the body is not valid UTF-8");

        try
        {
            var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = DepthMax });
            reader.Read();
            if (reader.TokenType != JsonTokenType.StartObject)
                throw EtcdErrors.MalformedJson("the body is not a JSON object");
            ReadObject(ref reader, message);
            reader.Read(); // Throws if anything follows the object.
            return message;
        }
        catch (JsonException malformed)
        {
            throw EtcdErrors.MalformedJson(malformed.Message);
        }
        catch (InvalidOperationException malformed)
        {
            // A string with half of a surrogate pair: "\ud800".
            throw EtcdErrors.MalformedJson(malformed.Message);
        }
    }

    private static void ReadObject(ref Utf8JsonReader reader, IMessage message)
    {
        var fields = Fields.GetOrAdd(message.Descriptor, MapFields);
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            var isKnown = fields.TryGetValue(reader.GetString()!, out var field);
            reader.Read();
            if (isKnown)
                ReadField(ref reader, message, field!);
            else
                reader.Skip();
        }
    }

    private static FrozenDictionary<string, FieldDescriptor> MapFields(MessageDescriptor message)
    {
        var fields = new Dictionary<string, FieldDescriptor>(StringComparer.Ordinal);
        foreach (var field in message.Fields.InDeclarationOrder())
        {
            fields[field.Name] = field;
            fields[field.JsonName] = field;
        }

        return fields.ToFrozenDictionary(StringComparer.Ordinal);
    }

    private static void ReadField(ref Utf8JsonReader reader, IMessage message, FieldDescriptor field)
    {
        if (reader.TokenType == JsonTokenType.Null)
            return;
        if (field.RealContainingOneof is { } oneof && oneof.Accessor.GetCaseFieldDescriptor(message) is { } other)
            throw EtcdErrors.MalformedJson($"\"{other.Name}\" and \"{field.Name}\" exclude each other");
        if (!field.IsRepeated)
        {
            field.Accessor.SetValue(message, ReadValue(ref reader, field));
            return;
        }

        if (reader.TokenType != JsonTokenType.StartArray)
            throw Invalid(reader, field, "an array");
        var list = (IList)field.Accessor.GetValue(message);
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
            list.Add(ReadValue(ref reader, field));
    }

    private static object ReadValue(ref Utf8JsonReader reader, FieldDescriptor field) => field.FieldType switch
    {
        FieldType.Message => ReadMessage(ref reader, field),
        FieldType.Bytes => ReadBytes(ref reader, field),
        FieldType.String when reader.TokenType == JsonTokenType.String => reader.GetString()!,
        FieldType.String => throw Invalid(reader, field, "a string"),
        FieldType.Bool when reader.TokenType is JsonTokenType.True or JsonTokenType.False => reader.GetBoolean(),
        FieldType.Bool => throw Invalid(reader, field, "true or false"),
        FieldType.Int64 => ReadInteger<long>(ref reader, field),
        FieldType.UInt64 => ReadInteger<ulong>(ref reader, field),
        FieldType.Int32 => ReadInteger<int>(ref reader, field),
        FieldType.UInt32 => ReadInteger<uint>(ref reader, field),
        FieldType.Enum => ReadEnum(ref reader, field),
        _ => throw new NotSupportedException($"etcd's requests have no field of the type {field.FieldType}"),
    };

    private static IMessage ReadMessage(ref Utf8JsonReader reader, FieldDescriptor field)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
            throw Invalid(reader, field, "an object");
        var message = field.MessageType.Parser.ParseFrom(ByteString.Empty);
        ReadObject(ref reader, message);
        return message;
    }

    private static object ReadEnum(ref Utf8JsonReader reader, FieldDescriptor field)
    {
        if (reader.TokenType == JsonTokenType.Number)
            return ReadInteger<int>(ref reader, field);
        var value = reader.TokenType == JsonTokenType.String ? field.EnumType.FindValueByName(reader.GetString()!) : null;
        return value?.Number ?? throw Invalid(reader, field, string.Join(", ", field.EnumType.Values.Select(v => v.Name)));
    }

    private static object ReadInteger<T>(ref Utf8JsonReader reader, FieldDescriptor field)
        where T : struct, IBinaryInteger<T>, IMinMaxValue<T>
    {
        const NumberStyles Style = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        return reader.TokenType is JsonTokenType.Number or JsonTokenType.String
            && IsJsonNumber(reader.ValueSpan)
            && T.TryParse(reader.ValueSpan, Style, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw Invalid(reader, field, $"a whole number from {T.MinValue} to {T.MaxValue}");
    }

    /// <summary>Whether a text begins as a JSON number: without a plus sign, blanks or leading zeros.</summary>
    private static bool IsJsonNumber(ReadOnlySpan<byte> text)
    {
        var digits = text is [(byte)'-', ..] ? text[1..] : text;
        return digits is [>= (byte)'1' and <= (byte)'9', ..] or [(byte)'0'] or [(byte)'0', < (byte)'0' or > (byte)'9', ..];
    }

    private static ByteString ReadBytes(ref Utf8JsonReader reader, FieldDescriptor field)
    {
        if (reader.TokenType != JsonTokenType.String)
            throw Invalid(reader, field, "a string of base64");

        // Two bytes more than the text, for padding.
        var scratch = ArrayPool<byte>.Shared.Rent(reader.ValueSpan.Length + 2);
        try
        {
            var length = reader.CopyString(scratch);
            scratch.AsSpan(0, length).Replace((byte)'-', (byte)'+');
            scratch.AsSpan(0, length).Replace((byte)'_', (byte)'/');
            return DecodeBase64(scratch.AsSpan(0, length))
                ?? DecodeBase64(Pad(scratch, length))
                ?? throw Invalid(reader, field, "a string of base64");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(scratch);
        }
    }

    private static Span<byte> Pad(byte[] text, int length)
    {
        var padding = (length % 4) switch
        {
            2 => 2,
            3 => 1,
            _ => 0,
        };
        text.AsSpan(length, padding).Fill((byte)'=');
        return text.AsSpan(0, length + padding);
    }

    private static ByteString? DecodeBase64(ReadOnlySpan<byte> text)
    {
        var bytes = new byte[Base64.GetMaxDecodedFromUtf8Length(text.Length)];
        return Base64.DecodeFromUtf8(text, bytes, out _, out var written) == OperationStatus.Done
            ? UnsafeByteOperations.UnsafeWrap(bytes.AsMemory(0, written))
            : null;
    }

    private static RpcException Invalid(in Utf8JsonReader reader, FieldDescriptor field, string expected)
    {
        var actual = reader.TokenType switch
        {
            JsonTokenType.StartObject => "an object",
            JsonTokenType.StartArray => "an array",
            JsonTokenType.String => $"\"{Quote(reader.ValueSpan)}\"",
            _ => Quote(reader.ValueSpan),
        };
        return EtcdErrors.MalformedJson($"the field \"{field.Name}\" is {actual}; it must be {expected}");
    }

    private static string Quote(ReadOnlySpan<byte> value)
    {
        var text = Encoding.UTF8.GetString(value);
        return text.Length <= QuotedCharactersMax ? text : text[..QuotedCharactersMax] + "…";
    }
}

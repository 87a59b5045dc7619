using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Quorate.Load.Http2;

/// <summary>Decodes the header blocks of one connection, in the order in which they arrive.</summary>
/// <remarks>
/// All representations are decoded, because each one can change the dynamic table, but only <see cref="ResponseField"/>s keep their value.
/// An entry of the table is therefore a few numbers: decoding an indexed field allocates nothing and compares no text.
/// Threading: one thread. Source: RFC 7541.
/// </remarks>
internal sealed class HpackDecoder
{
    /// <summary>The protocol's default size of the dynamic table, which this client announces by not announcing another.</summary>
    public const int TableBytesMax = 4096;

    // Each entry counts 32 bytes in addition to its name and value (RFC 7541 §4.1).
    private const int EntryOverhead = 32;

    private readonly Entry[] _entries = new Entry[TableBytesMax / EntryOverhead];
    private readonly List<byte> _name = [];
    private readonly List<byte> _value = [];
    private int _newest;
    private int _count;
    private int _tableBytesMax = TableBytesMax;

    /// <summary>The size of the dynamic table as RFC 7541 §4.1 counts it.</summary>
    public int TableBytes { get; private set; }

    /// <summary>Decodes one complete header block.</summary>
    /// <exception cref="Http2Exception">The block is invalid.</exception>
    public void Decode(ReadOnlySpan<byte> block, ref ResponseHeaders headers)
    {
        while (!block.IsEmpty)
        {
            var first = block[0];
            if (first >= 0x80)
            {
                Apply(Lookup(ReadInteger(ref block, prefixBits: 7)), ref headers);
            }
            else if (first >= 0x40)
            {
                var entry = ReadLiteral(ref block, prefixBits: 6);
                Apply(entry, ref headers);
                Insert(entry);
            }
            else if (first >= 0x20)
            {
                Resize(ReadInteger(ref block, prefixBits: 5));
            }
            else
            {
                // Literals without indexing and literals that must never be indexed.
                Apply(ReadLiteral(ref block, prefixBits: 4), ref headers);
            }
        }
    }

    private static void Apply(in Entry entry, ref ResponseHeaders headers)
    {
        switch (entry.Field)
        {
            case ResponseField.HttpStatus:
                headers.HttpStatus = entry.Number;
                break;
            case ResponseField.GrpcStatus:
                headers.GrpcStatus = entry.Number;
                break;
            case ResponseField.GrpcMessage:
                headers.GrpcMessage = entry.Text;
                break;
            default:
                break;
        }
    }

    private static int ReadInteger(ref ReadOnlySpan<byte> block, int prefixBits)
    {
        var mask = (1 << prefixBits) - 1;
        var value = Take(ref block) & mask;
        if (value < mask)
        {
            return value;
        }

        // Four bytes are enough for any length within a frame.
        for (var shift = 0; shift <= 21; shift += 7)
        {
            var next = Take(ref block);
            value += (next & 0x7f) << shift;
            if (next < 0x80)
            {
                return value;
            }
        }

        throw new Http2Exception("an integer in a header block is too large");
    }

    private static byte Take(ref ReadOnlySpan<byte> block)
    {
        if (block.IsEmpty)
        {
            throw new Http2Exception("a header block ends within a field");
        }

        var value = block[0];
        block = block[1..];
        return value;
    }

    /// <summary>Returns the next string: within <paramref name="block"/>, or decoded into <paramref name="buffer"/>.</summary>
    private static ReadOnlySpan<byte> ReadString(ref ReadOnlySpan<byte> block, List<byte> buffer)
    {
        var isHuffman = !block.IsEmpty && block[0] >= 0x80;
        var length = ReadInteger(ref block, prefixBits: 7);
        if (length > block.Length)
        {
            throw new Http2Exception("a header block ends within a string");
        }

        var text = block[..length];
        block = block[length..];
        if (!isHuffman)
        {
            return text;
        }

        buffer.Clear();
        HpackHuffman.Decode(text, buffer);
        return CollectionsMarshal.AsSpan(buffer);
    }

    private static ResponseField FieldOf(ReadOnlySpan<byte> name) => name switch
    {
        _ when name.SequenceEqual(":status"u8) => ResponseField.HttpStatus,
        _ when name.SequenceEqual("grpc-status"u8) => ResponseField.GrpcStatus,
        _ when name.SequenceEqual("grpc-message"u8) => ResponseField.GrpcMessage,
        _ => ResponseField.Other,
    };

    private static int ParseNumber(ReadOnlySpan<byte> value) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw new Http2Exception($"\"{Encoding.UTF8.GetString(value)}\" is not a status number");

    private Entry ReadLiteral(ref ReadOnlySpan<byte> block, int prefixBits)
    {
        var index = ReadInteger(ref block, prefixBits);
        ResponseField field;
        int nameBytes;
        if (index == 0)
        {
            var name = ReadString(ref block, _name);
            (field, nameBytes) = (FieldOf(name), name.Length);
        }
        else
        {
            var named = Lookup(index);
            (field, nameBytes) = (named.Field, named.NameBytes);
        }

        var value = ReadString(ref block, _value);
        var number = field is ResponseField.HttpStatus or ResponseField.GrpcStatus ? ParseNumber(value) : 0;
        var text = field is ResponseField.GrpcMessage ? Uri.UnescapeDataString(Encoding.UTF8.GetString(value)) : null;
        return new Entry(field, nameBytes, value.Length, number, text);
    }

    private Entry Lookup(int index)
    {
        if (index == 0 || index > HpackStaticTable.Count + _count)
        {
            throw new Http2Exception($"a header block refers to entry {index} of a table with {HpackStaticTable.Count + _count} entries");
        }

        return index <= HpackStaticTable.Count
            ? new Entry(
                HpackStaticTable.FieldAt(index), HpackStaticTable.NameBytesAt(index), 0, HpackStaticTable.HttpStatusAt(index), null)
            : _entries[Slot(index - HpackStaticTable.Count - 1)];
    }

    private int Slot(int age) => (_newest - age + _entries.Length) % _entries.Length;

    private void Insert(in Entry entry)
    {
        EvictUntil(_tableBytesMax - entry.Bytes);
        if (entry.Bytes <= _tableBytesMax)
        {
            _newest = (_newest + 1) % _entries.Length;
            _entries[_newest] = entry;
            _count++;
            TableBytes += entry.Bytes;
        }
    }

    private void Resize(int bytesMax)
    {
        if (bytesMax > TableBytesMax)
        {
            throw new Http2Exception($"a header block sets the dynamic table to {bytesMax} bytes; the maximum is {TableBytesMax}");
        }

        _tableBytesMax = bytesMax;
        EvictUntil(bytesMax);
    }

    private void EvictUntil(int bytesMax)
    {
        while (_count > 0 && TableBytes > bytesMax)
        {
            _count--;
            TableBytes -= _entries[Slot(_count)].Bytes;
        }
    }

    private readonly record struct Entry(ResponseField Field, int NameBytes, int ValueBytes, int Number, string? Text)
    {
        public int Bytes => NameBytes + ValueBytes + EntryOverhead;
    }
}

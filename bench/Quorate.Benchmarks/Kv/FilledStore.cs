using System.Buffers;
using System.Globalization;
using System.Text;
using Quorate.Kv;
using Quorate.Raft;

namespace Quorate.Benchmarks.Kv;

/// <summary>A store with many keys that were put in scattered order, and encoded commands for further puts.</summary>
internal sealed class FilledStore
{
    public const int ValueBytes = 256;

    private readonly byte[] _value = new byte[ValueBytes];
    private ulong _index;

    public FilledStore(int keys)
    {
        Keys = keys;
        new Random(1).NextBytes(_value);
        for (var i = 0; i < keys; i++)
            Apply(PutCommand(ScatteredKey(i)), endBatch: i % 64 == 63);
        Store.BatchApplied(new LogIndex(_index));
    }

    public int Keys { get; }

    public KvStore Store { get; } = new();

    /// <summary>Enumerates every key once, each far from the previous one.</summary>
    public int ScatteredKey(long i) => (int)(i * 7919 % Keys);

    public static byte[] Key(int i) => Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"/registry/pods/{i:d9}"));

    public ReadOnlyMemory<byte> PutCommand(int i)
    {
        var bytes = new ArrayBufferWriter<byte>(512);
        KvCommandCodec.Encode(new PutRequest(Key(i), _value), bytes);
        return bytes.WrittenMemory;
    }

    public KvResult Apply(ReadOnlyMemory<byte> command, bool endBatch)
    {
        var result = Store.Apply(new CommittedCommand(new EntryId(new Term(1), new LogIndex(++_index)), command));
        if (endBatch)
            Store.BatchApplied(new LogIndex(_index));
        return result;
    }
}

using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using Quorate.Kv;
using Quorate.Node.Storage;
using Quorate.Raft;

namespace Quorate.Benchmarks.Kv;

/// <summary>
/// Writes and restores a snapshot of 1,000,000 keys of 8 bytes with values of 256 bytes, in memory. Run with <c>snapshot</c>, or once with
/// <c>snapshot FILE</c>.
/// </summary>
/// <remarks>
/// The sides alternate: to encode; to restore; and for comparison what neither can do without, to copy the same bytes through a buffer and
/// compute their checksum; and what a restore replaces, to apply the same puts. A second store has had each key put four times and was then
/// compacted, so that its versions have gaps and links.
/// </remarks>
internal static class SnapshotThroughput
{
    private const int Keys = 1_000_000;
    private const int ValueBytes = 256;
    private const int Rounds = 5;

    /// <summary>Prints one line for each store and side: the median of the rounds.</summary>
    public static void Run()
    {
        Measure("1,000,000 keys", Fill(putsPerKey: 1, out var applySeconds), applySeconds);
        Measure("1,000,000 keys, 3,000,000 overwrites, compacted", Fill(putsPerKey: 4, out applySeconds), applySeconds);
    }

    /// <summary>
    /// Writes the snapshot to a file, or restores it once from there if it exists: run twice, the second process has just started.
    /// </summary>
    public static void RunOnce(string file)
    {
        if (!File.Exists(file))
        {
            using var snapshot = Fill(putsPerKey: 1, out _).CaptureSnapshot();
            using var created = File.Create(file);
            snapshot.WriteTo(created);
            return;
        }

        using var source = File.OpenRead(file);
        var store = new KvStore();
        var seconds = Seconds(() => store.RestoreSnapshot(new EntryId(new Term(1), new LogIndex(Keys)), source));
        Print("restore at the start", [seconds], source.Length / 1e6);
    }

    private static void Measure(string name, KvStore store, double applySeconds)
    {
        var captured = Stopwatch.GetTimestamp();
        using var snapshot = store.CaptureSnapshot();
        var capture = Stopwatch.GetElapsedTime(captured);
        var bytes = new MemoryStream();
        snapshot.WriteTo(bytes);
        bytes.Capacity = (int)bytes.Length;
        var last = new EntryId(new Term(1), store.Current.AppliedIndex);
        var (write, restore, copy) = (new double[Rounds], new double[Rounds], new double[Rounds]);
        for (var round = 0; round < Rounds; round++)
        {
            bytes.Position = 0;
            write[round] = Seconds(() => snapshot.WriteTo(bytes));
            bytes.Position = 0;
            copy[round] = Seconds(() => CopyAndCheck(bytes));
            bytes.Position = 0;
            var restored = new KvStore();
            GC.Collect();
            restore[round] = Seconds(() => restored.RestoreSnapshot(last, bytes));
            if (restored.Current.KeyCount != Keys || restored.Current.SizeBytes != store.Current.SizeBytes)
                throw new InvalidOperationException("the restored store differs");
        }

        var megabytes = bytes.Length / 1e6;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{name}: {megabytes:f1} MB, captured in {capture.TotalMicroseconds:f0} µs"));
        Print("write", write, megabytes);
        Print("restore", restore, megabytes);
        Print("copy and checksum only", copy, megabytes);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {"apply the puts",-24} {applySeconds,6:f2} s"));
    }

    private static void Print(string side, double[] seconds, double megabytes)
    {
        Array.Sort(seconds);
        var median = seconds[seconds.Length / 2];
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"  {side,-24} {median,6:f2} s {megabytes / median,8:f0} MB/s   {seconds[0]:f2} to {seconds[^1]:f2} s"));
    }

    private static double Seconds(Action action)
    {
        var began = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(began).TotalSeconds;
    }

    private static void CopyAndCheck(Stream source)
    {
        var buffer = new byte[64 * 1024];
        var crc = 0u;
        for (int read; (read = source.Read(buffer)) > 0;)
        {
            var copy = GC.AllocateUninitializedArray<byte>(read);
            buffer.AsSpan(0, read).CopyTo(copy);
            crc ^= Crc32C.Of(copy);
        }

        GC.KeepAlive(crc);
    }

    /// <summary>Fills a store by commands, with the keys in scattered order.</summary>
    private static KvStore Fill(int putsPerKey, out double applySeconds)
    {
        var store = new KvStore();
        var value = new byte[ValueBytes];
        new Random(1).NextBytes(value);
        var began = Stopwatch.GetTimestamp();
        ulong index = 0;
        for (var i = 0L; i < (long)Keys * putsPerKey; i++)
        {
            var key = new byte[sizeof(long)];
            BinaryPrimitives.WriteInt64BigEndian(key, i * 7919 % Keys);
            Apply(new PutRequest(key, value));
        }

        if (putsPerKey > 1)
        {
            Apply(new CompactRequest(store.Current.Revision));
            while (store.Current.SizeBytes > Keys * (sizeof(long) + ValueBytes + 64L) + 1000)
                Apply(new CompactRequest(0)); // Rejected, and sweeps.
        }

        store.BatchApplied(new LogIndex(index));
        applySeconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        return store;

        void Apply(KvRequest request)
        {
            var bytes = new ArrayBufferWriter<byte>(512);
            KvCommandCodec.Encode(request, bytes);
            store.Apply(new CommittedCommand(new EntryId(new Term(1), new LogIndex(++index)), bytes.WrittenMemory));
            if (index % 64 == 0 || request is CompactRequest)
                store.BatchApplied(new LogIndex(index));
        }
    }
}

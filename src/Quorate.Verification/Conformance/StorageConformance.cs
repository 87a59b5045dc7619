using Quorate.Node.Storage;

namespace Quorate.Verification.Conformance;

/// <summary>Checks that an implementation of <see cref="IStorage"/> does what that interface documents.</summary>
/// <remarks>
/// Call <see cref="Run"/> in a test of any framework. Each check gets a new, empty directory. What the suite cannot provoke it does not
/// check: that a failed flush of the system is reported as <see cref="DiskFlushException"/>, that a full disk is an
/// <see cref="IOException"/>, and, without <see cref="StorageConformanceOptions.AfterPowerLoss"/>, that flushed data survives a power loss.
/// Threading: the caller's thread, and threads of its own for the checks of concurrent use.
/// </remarks>
public static class StorageConformance
{
    private static readonly (string Name, Action<StorageConformanceOptions> Run)[] _checks =
    [
        ("a new directory is empty", static o => WithNew(o, static s =>
            Require(s.List().Count == 0, $"List returned {s.List().Count} names in a new directory"))),
        ("a created file has its length and is zero", CheckCreate),
        ("List returns the names in ordinal order", CheckList),
        ("Create does not touch an existing file", CheckCreateOfExisting),
        ("a missing file is an IOException", CheckMissing),
        ("a read returns what was written", CheckReadAndWrite),
        ("a read beyond the end returns fewer bytes", CheckReadBeyondEnd),
        ("a write beyond the end extends the file with zeroes", CheckWriteBeyondEnd),
        ("SetLength truncates and extends with zeroes", CheckSetLength),
        ("a renamed file keeps its content and replaces the other", CheckRename),
        ("a deleted file is gone and its name is free", CheckDelete),
        ("two handles of a file have the same content", CheckTwoHandles),
        ("flushed data is there when the directory is opened again", CheckReopen),
        ("a directory is opened once at a time", CheckExclusive),
        ("files can be used by several threads", CheckConcurrentUse),
        ("flushed data survives a power loss", CheckPowerLoss),
        ("a replaced file is old or new after a power loss", CheckReplaceAfterPowerLoss),
    ];

    /// <summary>The names of all checks, in the order in which <see cref="Run"/> makes them.</summary>
    public static IReadOnlyList<string> Checks { get; } = [.. _checks.Select(static c => c.Name)];

    /// <summary>Makes all checks.</summary>
    /// <exception cref="ConformanceException">A check failed: the message states which, and what the implementation did.</exception>
    public static void Run(StorageConformanceOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        foreach (var (name, run) in _checks)
        {
            try
            {
                run(options);
            }
            catch (FailedCheckException failure)
            {
                throw new ConformanceException(name, failure.Message, failure.InnerException);
            }
#pragma warning disable CA1031 // Whatever the implementation throws is the result of the check.
            catch (Exception fault)
#pragma warning restore CA1031
            {
                throw new ConformanceException(name, $"the storage threw {fault.GetType().Name}: {fault.Message}", fault);
            }
        }
    }

    private static void CheckCreate(StorageConformanceOptions options) => WithNew(options, static storage =>
    {
        using var file = storage.Create("a", 3000);
        Require(file.Name == "a", $"the file \"a\" has the name \"{file.Name}\"");
        Require(file.Length == 3000, $"a file that was created with 3000 bytes has {file.Length}");
        RequireBytes(file, 0, new byte[3000], "a created file");
        using var empty = storage.Create("b", 0);
        Require(empty.Length == 0, $"a file that was created with 0 bytes has {empty.Length}");
    });

    private static void CheckList(StorageConformanceOptions options) => WithNew(options, static storage =>
    {
        string[] names = ["b", "a.new", "Z", "a", "wal-0000000000000002.log", "wal-0000000000000010.log"];
        foreach (var name in names)
            storage.Create(name, 1).Dispose();
        Array.Sort(names, StringComparer.Ordinal);
        RequireNames(storage, names);
    });

    private static void CheckCreateOfExisting(StorageConformanceOptions options) => WithNew(options, static storage =>
    {
        Put(storage, "a", [1, 2, 3]);
        RequireThrows<IOException>(() => storage.Create("a", 10).Dispose(), "Create of a name that exists");
        RequireContent(storage, "a", [1, 2, 3]);
    });

    private static void CheckMissing(StorageConformanceOptions options) => WithNew(options, static storage =>
    {
        RequireThrows<IOException>(() => storage.Open("a").Dispose(), "Open of a name that does not exist");
        RequireNames(storage);
    });

    private static void CheckReadAndWrite(StorageConformanceOptions options) => WithNew(options, static storage =>
    {
        var expected = new byte[10_000];
        using var file = storage.Create("a", expected.Length);
        foreach (var (offset, length) in new[] { (0, 1), (511, 2), (4096, 4096), (1, 5000), (9_999, 1), (700, 0) })
        {
            var bytes = Pattern(length, seed: offset + 1);
            bytes.CopyTo(expected, offset);
            file.Write(offset, bytes);
            RequireBytes(file, 0, expected, $"a file after a write of {length} bytes at {offset}");
        }

        file.Flush();
        RequireBytes(file, 0, expected, "a file after Flush");
        RequireBytes(file, 510, expected.AsSpan(510, 3), "3 bytes at 510");
        Require(file.Length == expected.Length, $"writes within a file of {expected.Length} bytes changed its length to {file.Length}");
    });

    private static void CheckReadBeyondEnd(StorageConformanceOptions options) => WithNew(options, static storage =>
    {
        Put(storage, "a", [1, 2, 3]);
        using var file = storage.Open("a");
        var target = new byte[5];
        var read = file.Read(1, target);
        Require(read == 2 && target[0] == 2 && target[1] == 3, $"a read of 5 bytes at 1 of a file of 3 bytes returned {read}, expected 2");
        read = file.Read(3, target);
        Require(read == 0, $"a read at the end of the file returned {read}, expected 0");
        read = file.Read(100, target);
        Require(read == 0, $"a read beyond the end of the file returned {read}, expected 0");
    });

    private static void CheckWriteBeyondEnd(StorageConformanceOptions options) => WithNew(options, static storage =>
    {
        using var file = storage.Create("a", 2);
        file.Write(0, [1, 2]);
        file.Write(1000, [3]);
        Require(file.Length == 1001, $"after a write of 1 byte at 1000, the file has {file.Length} bytes");
        RequireBytes(file, 0, [1, 2, .. new byte[998], 3], "a file after a write beyond its end");
    });

    private static void CheckSetLength(StorageConformanceOptions options) => WithNew(options, static storage =>
    {
        Put(storage, "a", Pattern(3000, seed: 1));
        using var file = storage.Open("a");
        file.SetLength(1000);
        Require(file.Length == 1000, $"after SetLength(1000), the file has {file.Length} bytes");
        file.SetLength(2000);
        RequireBytes(
            file, 0, [.. Pattern(3000, seed: 1)[..1000], .. new byte[1000]], "a file that was truncated to 1000 and extended to 2000");
    });

    private static void CheckRename(StorageConformanceOptions options) => WithNew(options, static storage =>
    {
        Put(storage, "a", [1]);
        Put(storage, "b", [2, 2]);
        storage.Rename("a", "b");
        RequireNames(storage, "b");
        RequireContent(storage, "b", [1]);
        storage.Rename("b", "c");
        RequireNames(storage, "c");
        RequireContent(storage, "c", [1]);
        RequireThrows<IOException>(() => storage.Rename("missing", "c"), "Rename of a name that does not exist");
        RequireContent(storage, "c", [1]);
    });

    private static void CheckDelete(StorageConformanceOptions options) => WithNew(options, static storage =>
    {
        Put(storage, "a", [1]);
        Put(storage, "b", [2]);
        storage.Delete("a");
        RequireNames(storage, "b");
        using var again = storage.Create("a", 4);
        RequireBytes(again, 0, new byte[4], "a file that was created with the name of a deleted one");
    });

    private static void CheckTwoHandles(StorageConformanceOptions options) => WithNew(options, static storage =>
    {
        using var one = storage.Create("a", 100);
        using var two = storage.Open("a");
        one.Write(10, [7]);
        RequireBytes(two, 10, [7], "a second handle after a write through the first");
    });

    private static void CheckReopen(StorageConformanceOptions options)
    {
        var open = options.NewDirectory();
        Use(open(), static storage =>
        {
            Put(storage, "a", [1, 2]);
            Put(storage, "deleted", [3]);
            storage.Delete("deleted");
            AtomicFile.Replace(storage, "b", [4]);
        });
        Use(open(), static storage =>
        {
            RequireNames(storage, "a", "b");
            RequireContent(storage, "a", [1, 2]);
            RequireContent(storage, "b", [4]);
        });
    }

    private static void CheckExclusive(StorageConformanceOptions options)
    {
        if (!options.IsExclusive)
            return;
        var open = options.NewDirectory();
        Use(open(), storage =>
        {
            Put(storage, "a", [1]);
            RequireThrows<IOException>(() => Use(open(), static _ => { }), "opening a directory that is open");
            RequireContent(storage, "a", [1]);
        });
        Use(open(), static storage => RequireContent(storage, "a", [1]));
    }

    // As the log does: one thread writes to the current segment while another creates the next one and replaces the identity file.
    private static void CheckConcurrentUse(StorageConformanceOptions options)
    {
        if (!options.IsUsedByThreads)
            return;
        WithNew(options, static storage =>
        {
            const int Rounds = 50;
            using var current = storage.Create("current", Rounds * 512);
            Exception? fault = null;
            var other = new Thread(() =>
            {
                try
                {
                    for (var i = 0; i < Rounds; i++)
                    {
                        AtomicFile.Replace(storage, "identity", [(byte)i]);
                        AtomicFile.Replace(storage, $"segment {i:d2}", Pattern(2000, i));
                    }
                }
#pragma warning disable CA1031 // Reported by the check.
                catch (Exception e)
#pragma warning restore CA1031
                {
                    fault = e;
                }
            });
            other.Start();
            for (var i = 0; i < Rounds; i++)
            {
                current.Write(i * 512, Pattern(512, i));
                current.Flush();
                Require(
                    storage.List().Contains("current", StringComparer.Ordinal), "List misses a file while another thread creates files");
            }

            other.Join();
            Require(
                fault is null, $"a thread that creates files while another writes got {fault?.GetType().Name}: {fault?.Message}", fault);
            for (var i = 0; i < Rounds; i++)
            {
                RequireBytes(current, i * 512, Pattern(512, i), "a file that was written while another thread created files");
                RequireContent(storage, $"segment {i:d2}", Pattern(2000, i));
            }

            RequireContent(storage, "identity", [Rounds - 1]);
            Require(storage.List().Count == Rounds + 2, $"List returned {storage.List().Count} names instead of {Rounds + 2}");
        });
    }

    private static void CheckPowerLoss(StorageConformanceOptions options)
    {
        if (options.AfterPowerLoss is not { } afterPowerLoss)
            return;
        var storage = options.NewDirectory()();
        Put(storage, "a", Pattern(3000, 1));
        Put(storage, "gone", [1]);
        storage.Delete("gone");
        storage.FlushDirectory();
        using (var file = storage.Open("a"))
        {
            file.Write(512, Pattern(600, 2));
            file.Flush();
            file.Write(2048, Pattern(600, 3));
        }

        Use(afterPowerLoss(storage), static after =>
        {
            RequireNames(after, "a");
            using var file = after.Open("a");
            RequireBytes(file, 0, [.. Pattern(3000, 1)[..512], .. Pattern(600, 2), .. Pattern(3000, 1)[1112..2048]],
                "the flushed bytes of a file, after a power loss");
        });
    }

    private static void CheckReplaceAfterPowerLoss(StorageConformanceOptions options)
    {
        if (options.AfterPowerLoss is not { } afterPowerLoss)
            return;
        var storage = options.NewDirectory()();
        AtomicFile.Replace(storage, "a", [1]);
        using (var file = storage.Create("a.new", 2))
        {
            file.Write(0, [2, 2]);
            file.Flush();
        }

        storage.Rename("a.new", "a");
        Use(afterPowerLoss(storage), static after =>
        {
            Require(after.List().Contains("a", StringComparer.Ordinal), "a file that was replaced is missing after a power loss");
            var bytes = Get(after, "a");
            Require(bytes is [1] or [2, 2],
                "a file that was replaced has neither its old nor its new content after a power loss");
        });
    }

    private static void WithNew(StorageConformanceOptions options, Action<IStorage> check) => Use(options.NewDirectory()(), check);

    private static void Use(IStorage storage, Action<IStorage> use)
    {
        using (storage as IDisposable)
            use(storage);
    }

    private static void Put(IStorage storage, string name, byte[] bytes)
    {
        using var file = storage.Create(name, bytes.Length);
        file.Write(0, bytes);
        file.Flush();
        storage.FlushDirectory();
    }

    private static byte[] Get(IStorage storage, string name)
    {
        using var file = storage.Open(name);
        var bytes = new byte[file.Length];
        var read = file.Read(0, bytes);
        Require(read == bytes.Length, $"a read of the {bytes.Length} bytes of \"{name}\" returned {read}");
        return bytes;
    }

    private static byte[] Pattern(int length, int seed)
    {
        var bytes = new byte[length];
        for (var i = 0; i < length; i++)
            bytes[i] = (byte)((i * 31) + (seed * 101) + 1);
        return bytes;
    }

    private static void RequireNames(IStorage storage, params string[] expected)
    {
        var found = storage.List();
        Require(found.SequenceEqual(expected, StringComparer.Ordinal),
            $"List returned [{string.Join(", ", found)}], expected [{string.Join(", ", expected)}]");
    }

    private static void RequireContent(IStorage storage, string name, byte[] expected)
    {
        var found = Get(storage, name);
        Require(
            found.AsSpan().SequenceEqual(expected), $"\"{name}\" has {found.Length} bytes that differ from the {expected.Length} expected");
    }

    private static void RequireBytes(IStorageFile file, long offset, ReadOnlySpan<byte> expected, string what)
    {
        // Reused buffers are not zero: a read must overwrite them.
        var found = new byte[expected.Length];
        Array.Fill(found, (byte)0xEE);
        var read = file.Read(offset, found);
        Require(read == expected.Length, $"{what}: a read of {expected.Length} bytes at {offset} returned {read}");
        var same = found.AsSpan().CommonPrefixLength(expected);
        Require(same == expected.Length,
            $"{what}: byte {offset + same} is {found.ElementAtOrDefault(same)}, expected {(same < expected.Length ? expected[same] : 0)}");
    }

    private static void RequireThrows<T>(Action action, string what)
        where T : Exception
    {
        try
        {
            action();
        }
        catch (T)
        {
            return;
        }
#pragma warning disable CA1031 // Any other exception is the failure that is reported.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            throw new FailedCheckException($"{what} threw {fault.GetType().Name}, expected {typeof(T).Name}", fault);
        }

        throw new FailedCheckException($"{what} succeeded, expected {typeof(T).Name}", null);
    }

    private static void Require(bool condition, string message, Exception? cause = null)
    {
        if (!condition)
            throw new FailedCheckException(message, cause);
    }

    private sealed class FailedCheckException(string message, Exception? cause) : Exception(message, cause);
}

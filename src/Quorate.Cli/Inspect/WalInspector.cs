using System.Globalization;
using Quorate.Node.Storage;
using Quorate.Node.Versions;
using Quorate.Node.Wal;
using Quorate.Raft;

namespace Quorate.Cli.Inspect;

/// <summary>Shows the write-ahead log of a data directory, and the files next to it.</summary>
/// <param name="output">Where to.</param>
/// <param name="decodeCommands">Whether the entries contain commands of the key-value store, which are shown.</param>
/// <param name="concurrentWrites">Distinguishes what a running member is writing from corruption.</param>
internal sealed class WalInspector(InspectOutput output, bool decodeCommands, ConcurrentWrites concurrentWrites)
{
    /// <summary>Shows the log of a data directory, or one file.</summary>
    /// <exception cref="IOException">The path does not exist, or there is no log in the directory.</exception>
    public void Inspect(string path)
    {
        if (!Directory.Exists(path))
        {
            InspectFile(path);
            return;
        }

        var storage = new ReadOnlyStorage(path);
        var names = storage.List();
        var segments = names.Where(static n => Segment.TryParseName(n, out _)).ToArray();
        var hardStates = names.Where(static n => n is HardStateFile.Name or HardStateFile.CopyName).ToArray();
        if (segments.Length == 0 && hardStates.Length == 0)
            throw new IOException($"{path} contains no write-ahead log.");

        var identity = InspectIdentity(path);
        foreach (var name in hardStates)
            InspectHardState(Path.Combine(path, name));
        var inspector = new SegmentInspector(output, decodeCommands, concurrentWrites);
        foreach (var segment in segments)
        {
            using var file = new ReadOnlyFile(Path.Combine(path, segment));
            inspector.Inspect(file);
        }

        inspector.Finish();
        if (identity is not null && segments.Length > 0)
            InspectRecovery(storage, identity);
    }

    private void InspectFile(string path)
    {
        var name = Path.GetFileName(path);
        if (name is IdentityFile.Name or IdentityFile.CopyName)
        {
            InspectIdentity(Path.GetDirectoryName(Path.GetFullPath(path))!);
        }
        else if (name is HardStateFile.Name or HardStateFile.CopyName)
        {
            InspectHardState(path);
        }
        else
        {
            using var file = new ReadOnlyFile(path);
            var inspector = new SegmentInspector(output, decodeCommands, concurrentWrites);
            inspector.Inspect(file);
            inspector.Finish();
        }
    }

    private DataDirectoryIdentity? InspectIdentity(string directory)
    {
        try
        {
            if (DataDirectoryIdentity.Read(directory) is not { } identity)
            {
                output.WriteCorruption(IdentityFile.Name, 0, "the file is missing");
                return null;
            }

            VerifyEach(directory, identity);

            output.Write(
                "identity", 0,
                $"identity: {IdentityFormat.DescribeOwner(identity)}, directory {identity.DirectoryId}, " +
                string.Create(CultureInfo.InvariantCulture, $"newest segment {identity.NewestSegment}"),
                ("cluster", identity.ClusterId.ToString("x16", CultureInfo.InvariantCulture)), ("member", identity.MemberId),
                ("members", string.Join(' ', identity.Members)), ("directory", identity.DirectoryId),
                ("newestSegment", identity.NewestSegment));
            return identity;
        }
        catch (WalCorruptionException e)
        {
            output.WriteCorruption(IdentityFile.Name, e.Offset, e.What);
        }
        catch (IOException e)
        {
            output.WriteUnsupported(IdentityFile.Name, e.Message);
        }

        return null;
    }

    /// <summary>Reports the one of the two files that cannot be used: a member that starts writes it again.</summary>
    private void VerifyEach(string directory, DataDirectoryIdentity identity)
    {
        string[] names = FeatureTable.IsEnabled(Feature.Repair, identity.Version)
            ? [IdentityFile.Name, IdentityFile.CopyName]
            : [IdentityFile.Name];
        foreach (var name in names)
        {
            try
            {
                IdentityFormat.Decode(File.ReadAllBytes(Path.Combine(directory, name)));
            }
            catch (FileNotFoundException)
            {
                output.WriteCorruption(name, 0, "the file is missing");
            }
            catch (WalCorruptionException e)
            {
                output.WriteCorruption(name, e.Offset, e.What);
            }
        }
    }

    private void InspectHardState(string path)
    {
        using var file = new ReadOnlyFile(path);
        try
        {
            var copies = concurrentWrites.Read(() => ReadCopies(file), static copies => copies.Contains(null));
            var newest = copies.MaxBy(static c => c?.Generation ?? 0);
            output.Write(
                file.Name, 0,
                newest is { } n
                    ? string.Create(
                        CultureInfo.InvariantCulture,
                        $"{file.Name}: term {n.State.Term}, vote {n.State.VotedFor}, generation {n.Generation}, " +
                        $"directory {n.Stamp.Directory}{DescribeRepair(n.State)}")
                    : $"{file.Name}: no readable copy",
                ("term", newest?.State.Term.Value ?? 0), ("vote", newest?.State.VotedFor ?? NodeId.None),
                ("generation", newest?.Generation ?? 0), ("directory", newest?.Stamp.Directory ?? DirectoryId.None));
            for (var copy = 0; copy < HardStateFile.Copies; copy++)
            {
                if (copies[copy] is null)
                    output.WriteCorruption(file.Name, copy * HardStateFile.PageBytes, $"copy {copy}, of slot {copy / 2}, is unreadable");
            }
        }
        catch (IOException e)
        {
            output.WriteUnsupported(file.Name, e.Message);
        }
    }

    private static string DescribeRepair(HardState state) =>
        (state.RepairTerm == Term.Zero ? "" : $", entries of terms up to {state.RepairTerm} may be missing: the member repairs its log")
        + (state.LeaseMilliseconds == 0 ? "" : $", leases of up to {state.LeaseMilliseconds} ms granted");

    private static HardStateCopy?[] ReadCopies(ReadOnlyFile file)
    {
        var copies = new HardStateCopy?[HardStateFile.Copies];
        Span<byte> bytes = stackalloc byte[HardStateCopy.Bytes];
        for (var copy = 0; copy < copies.Length; copy++)
        {
            try
            {
                if (file.Read(copy * HardStateFile.PageBytes, bytes) < bytes.Length)
                    continue;
            }
            catch (IOException)
            {
                continue;
            }

            if (HardStateCopy.TryRead(bytes, copy, file.Name, out var read))
                copies[copy] = read;
        }

        return copies;
    }

    /// <summary>Runs the recovery that a start of the member would run, and shows what it finds.</summary>
    private void InspectRecovery(ReadOnlyStorage storage, DataDirectoryIdentity identity)
    {
        var (log, fault) = concurrentWrites.Read(() => Recover(storage, identity), static result => result.Fault is not null);
        if (log is not null)
        {
            output.Write(
                "log", 0,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"log: entries {log.FirstIndex} to {log.LastIndex}, last term {log.LastTerm}, commit mark {log.CommitMark}") +
                (log.TruncatedTail is null ? "" : $"; a start truncates a torn write ({log.TruncatedTail})"),
                ("first", log.FirstIndex.Value), ("last", log.LastIndex.Value), ("lastTerm", log.LastTerm.Value),
                ("commitMark", log.CommitMark.Value), ("torn", log.TruncatedTail is not null));
        }
        else if (fault is WalCorruptionException corruption)
        {
            output.Write(
                "log", 0, $"log: a start of the member fails: {corruption.Message}",
                ("file", corruption.File), ("offset", corruption.Offset), ("what", corruption.Message));
            output.CountCorruption();
        }
        else
        {
            output.WriteUnsupported("the log", fault!.Message);
        }
    }

    private static (RecoveredLog? Log, IOException? Fault) Recover(ReadOnlyStorage storage, DataDirectoryIdentity identity)
    {
        try
        {
            var file = IdentityFile.Open(storage, identity.ClusterId, identity.MemberId, identity.InitialConfiguration);
            var options = new WalOptions { PreallocateInBackground = false };
            var (log, recovered) = WriteAheadLog.Open(storage, options, file);
            log.Dispose();
            return (recovered, null);
        }
        catch (IOException fault)
        {
            return (null, fault);
        }
    }
}

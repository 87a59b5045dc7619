using Quorate.Cli.Client;
using Quorate.Node.Storage;
using Quorate.Server.Backups;
using Quorate.Server.Protos;

namespace Quorate.Cli.Snapshots;

/// <summary>Downloads a backup to a file.</summary>
/// <remarks>
/// Durability: the file has its name only when it is complete, flushed and verified. Until then its name ends in <c>.part</c>; a process
/// that is killed leaves that file, and the next download to the same file overwrites it.
/// </remarks>
internal sealed class SnapshotDownload(ClientSession session)
{
    /// <summary>What is added to the name of a file that is not complete.</summary>
    public const string PartSuffix = ".part";

    /// <summary>Downloads a backup, and returns what it contains.</summary>
    /// <exception cref="ClientException">No server sent a whole backup.</exception>
    /// <exception cref="IOException">The file cannot be written, or what was received is corrupt.</exception>
    public async Task<BackupSummary> SaveAsync(string path, CancellationToken stop)
    {
        var target = Path.GetFullPath(path);
        if (Directory.Exists(target))
            throw new ClientException(ExitCode.Usage, $"quorate snapshot save: {path} is a directory; name a file.");
        var part = target + PartSuffix;
        var file = OpenPart(part);
        try
        {
            await using (file.ConfigureAwait(false))
            {
                await ReceiveAsync(file).ConfigureAwait(false);
                await file.FlushAsync(stop).ConfigureAwait(false);
                NativeFlush.FlushFile(file.SafeFileHandle, part);
            }

            var summary = BackupSummary.Read(part, stop);
            File.Move(part, target, overwrite: true);
            NativeFlush.FlushDirectory(Path.GetDirectoryName(target)!);
            return summary;
        }
        catch
        {
            File.Delete(part);
            throw;
        }
    }

    /// <summary>Opens the unfinished file. Only one process at a time can have it open; only the owner may read what it contains.</summary>
    private static FileStream OpenPart(string part)
    {
        var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.Write, Share = FileShare.None };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        var file = new FileStream(part, options);
        file.SetLength(0);
        return file;
    }

    private async Task ReceiveAsync(FileStream file)
    {
        var (received, remaining) = (0L, ulong.MaxValue);
        await session.ReadStreamAsync<SnapshotResponse>(
            static (channel, call) => new Maintenance.MaintenanceClient(channel).Snapshot(new SnapshotRequest(), call),
            response =>
            {
                file.Write(response.Blob.Span);
                received += response.Blob.Length;
                remaining = response.RemainingBytes;
            }).ConfigureAwait(false);
        if (remaining != 0)
        {
            throw new ClientException(
                ExitCode.Unreachable, $"quorate snapshot save: the server ended the snapshot after {received} bytes. Try again.");
        }
    }
}

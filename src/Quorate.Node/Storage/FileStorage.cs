using Microsoft.Win32.SafeHandles;

namespace Quorate.Node.Storage;

/// <summary>A directory in the file system, opened by one process at a time.</summary>
/// <remarks>
/// Threading: any thread; for each file, one caller at a time. Errors: see <see cref="IStorage"/>; every message names the path and what to
/// do.
/// The directory contains one additional file, <c>lock</c>, which is empty and is locked while the directory is open.
/// </remarks>
public sealed class FileStorage : IStorage, IDisposable
{
    internal const string LockName = "lock";
    private readonly string _directory;
    private readonly SafeFileHandle _lock;

    // Held open, so that a flush of the directory needs no free descriptor.
    private readonly SafeFileHandle? _directoryHandle;

    /// <summary>Opens the directory, and creates it if it is missing.</summary>
    /// <exception cref="IOException">The directory cannot be created, or another process has it open.</exception>
    public FileStorage(string directory)
    {
        ArgumentException.ThrowIfNullOrEmpty(directory);
        _directory = Path.GetFullPath(directory);
        WrapErrors("create the directory", _directory, EnsureDirectory);
        _lock = Lock();
        try
        {
            _directoryHandle = OperatingSystem.IsWindows() ? null : NativeFlush.OpenDirectory(_directory);
        }
        catch
        {
            _lock.Dispose();
            throw;
        }
    }

    /// <summary>The full path of the directory.</summary>
    public string DirectoryPath => _directory;

    /// <inheritdoc/>
    public IReadOnlyList<string> List() => WrapErrors("list", _directory, path =>
    {
        var names = new List<string>();
        foreach (var file in Directory.EnumerateFiles(path))
        {
            if (Path.GetFileName(file) is var name && name != LockName)
                names.Add(name);
        }

        names.Sort(StringComparer.Ordinal);
        return names;
    });

    /// <inheritdoc/>
    public IStorageFile Open(string name) => WrapErrors("open", PathOf(name), path =>
        new FileStorageFile(name, path, DescriptorShortage.WaitOut(
            () => File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.Read | FileShare.Delete),
            DescriptorShortage.WaitMax)));

    /// <inheritdoc/>
    public IStorageFile Create(string name, long length) => WrapErrors("create", PathOf(name), path =>
    {
        var handle = DescriptorShortage.WaitOut(
            () => File.OpenHandle(
                path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Read | FileShare.Delete, FileOptions.None, length),
            DescriptorShortage.WaitMax);
        try
        {
            RestrictToOwner(handle);
            RandomAccess.SetLength(handle, length);
            return new FileStorageFile(name, path, handle);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    });

    /// <inheritdoc/>
    public void Rename(string from, string to) => WrapErrors("rename", PathOf(from), path => File.Move(path, PathOf(to), overwrite: true));

    /// <inheritdoc/>
    public void Delete(string name) => WrapErrors("delete", PathOf(name), File.Delete);

    /// <inheritdoc/>
    public void FlushDirectory()
    {
        if (_directoryHandle is not null)
            NativeFlush.FlushDirectory(_directoryHandle, _directory);
    }

    /// <summary>Releases the lock of the directory. Files that are still open stay open.</summary>
    public void Dispose()
    {
        _directoryHandle?.Dispose();
        _lock.Dispose();
    }

    internal static void WrapErrors(string what, string path, Action<string> action) => WrapErrors(what, path, p =>
    {
        action(p);
        return true;
    });

    /// <summary>
    /// Adds to an error the operation, the file and what to do; the system's own message gives the reason. A full disk, missing
    /// permissions and a read-only file system are different exception types in .NET; here all of them become <see cref="IOException"/>.
    /// </summary>
    internal static T WrapErrors<T>(string what, string path, Func<string, T> action)
    {
        try
        {
            return action(path);
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException and not DiskFlushException)
        {
            throw Explain(what, path, e);
        }
    }

    internal static IOException Explain(string what, string path, Exception e) => new(
        $"Cannot {what} {path}: {e.Message} " + (DescriptorShortage.Is(e)
            ? "Raise the limit of open files of this process (ulimit -n; LimitNOFILE in a systemd unit)."
            : "Make sure that the disk has free space, is not mounted read-only, and that this user may write there."), e);

    private static void EnsureDirectory(string path)
    {
        var missing = new List<string>();
        for (var at = path; at is { Length: > 0 } && !Directory.Exists(at); at = Path.GetDirectoryName(at))
            missing.Add(at);

        // Only the owner may read the log (see RestrictToOwner).
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(path);
        else
            Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);

        // Flush the parent of every created directory, since it contains the new name. Flush the parent of an existing directory too: the
        // process that created it may have ended before the name was durable. If that parent is not readable, another user created the
        // directory for this one.
        foreach (var made in missing.Count > 0 ? missing : [path])
        {
            if (Path.GetDirectoryName(made) is { Length: > 0 } parent)
                NativeFlush.FlushDirectory(parent, ifReadable: missing.Count == 0);
        }
    }

    /// <summary>
    /// Lets only the owner read and write a new, empty file: the log contains all data that clients of the cluster wrote. The mode of the
    /// directory does not suffice, since another program may have created it, for example as the root of a volume.
    /// </summary>
    private static void RestrictToOwner(SafeFileHandle handle)
    {
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(handle, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    private SafeFileHandle Lock()
    {
        var path = PathOf(LockName);
        try
        {
            var isNew = !File.Exists(path);
            var handle = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            if (isNew)
                RestrictToOwner(handle);
            return handle;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException(
                $"Cannot lock {path}: {e.Message} Two processes in one data directory would destroy each other's log. " +
                "If another process uses this directory, stop it or give this one its own; " +
                "if no process does, make sure that this user may write there.", e);
        }
    }

    private string PathOf(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (name != Path.GetFileName(name) || name is "." or "..")
            throw new ArgumentException($"'{name}' is not a plain file name.", nameof(name));
        return Path.Combine(_directory, name);
    }
}

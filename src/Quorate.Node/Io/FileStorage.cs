using Microsoft.Win32.SafeHandles;

namespace Quorate.Node.Io;

/// <summary>A real folder. One process has it open at a time.</summary>
/// <remarks>
/// Threading: any thread; of one file, one caller at a time. Errors: see <see cref="IStorage"/>; every message names the path and what to do.
/// The folder holds one file of its own, <c>lock</c>, which says nothing and is locked while the folder is open.
/// </remarks>
public sealed class FileStorage : IStorage, IDisposable
{
    private const string LockName = "lock";
    private readonly string _directory;
    private readonly SafeFileHandle _lock;

    /// <summary>Opens the folder, and makes it if it is not there.</summary>
    /// <exception cref="IOException">It cannot be made, or another process has it open.</exception>
    public FileStorage(string directory)
    {
        ArgumentException.ThrowIfNullOrEmpty(directory);
        _directory = Path.GetFullPath(directory);
        WrapErrors("make the folder", _directory, EnsureDirectory);
        _lock = Lock();
    }

    /// <summary>The folder's full path.</summary>
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
        new FileStorageFile(name, path, File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.Read | FileShare.Delete)));

    /// <inheritdoc/>
    public IStorageFile Create(string name, long length) => WrapErrors("create", PathOf(name), path =>
    {
        var handle = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Read | FileShare.Delete, FileOptions.None, length);
        try
        {
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
    public void FlushDirectory() => NativeFlush.FlushDirectory(_directory);

    /// <summary>Lets go of the folder. Files that are still open stay open.</summary>
    public void Dispose() => _lock.Dispose();

    internal static void WrapErrors(string what, string path, Action<string> action) => WrapErrors(what, path, p =>
    {
        action(p);
        return true;
    });

    /// <summary>
    /// Says what was wanted, of which file, and what to do; the system's own words say why. No room, no right and a read-only file system come
    /// as different types from .NET and are all <see cref="IOException"/> here.
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
        $"Cannot {what} {path}: {e.Message} Make sure that the disk has room, is not mounted read-only, and that this user may write there.", e);

    private static void EnsureDirectory(string path)
    {
        var missing = new List<string>();
        for (var at = path; at is { Length: > 0 } && !Directory.Exists(at); at = Path.GetDirectoryName(at))
            missing.Add(at);

        // The log holds everything the cluster's clients wrote: nobody else's business.
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(path);
        else
            Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);

        // Each new name is in the folder above. So is the name of a folder that was there, and the process that made it may have ended before it
        // was on the disk; where we may not read the one above, somebody else made it for us.
        foreach (var made in missing.Count > 0 ? missing : [path])
        {
            if (Path.GetDirectoryName(made) is { Length: > 0 } parent)
                NativeFlush.FlushDirectory(parent, ifReadable: missing.Count == 0);
        }
    }

    private SafeFileHandle Lock()
    {
        var path = PathOf(LockName);
        try
        {
            return File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException(
                $"Cannot lock {path}: {e.Message} Two processes in one folder would destroy each other's log. " +
                "If another one uses this folder, end it or give this one its own; if none does, make sure that this user may write there.", e);
        }
    }

    private string PathOf(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (name != Path.GetFileName(name) || name is "." or "..")
            throw new ArgumentException($"'{name}' is not the name of a file in a folder.", nameof(name));
        return Path.Combine(_directory, name);
    }
}

using System.Text;

namespace Quorate.Node.Transport;

/// <summary>A secret that all members of a cluster share. With it, a node exchanges messages only with peers that know it too.</summary>
/// <remarks>
/// Both sides of a connection prove to each other that they know the secret, and each message carries a MAC that only the two can compute.
/// It authenticates and does not encrypt: the messages stay readable on the network.
/// <para>
/// It has one or two keys. The node proves itself with the first and accepts both, so that a key can be replaced while the cluster serves:
/// docs/operating/running.md has the steps.
/// </para>
/// Threading: immutable.
/// </remarks>
public sealed class PeerSecret
{
    /// <summary>The fewest bytes of a key. 32 random bytes in hexadecimal, as <c>openssl rand -hex 32</c> prints them, are 64.</summary>
    public const int MinKeyBytes = 32;

    private const UnixFileMode ForeignAccess =
        UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    /// <summary>Creates a secret.</summary>
    /// <param name="first">The key with which this node proves itself.</param>
    /// <param name="second">Another key that it accepts; null: none.</param>
    /// <exception cref="ArgumentException">A key has fewer than <see cref="MinKeyBytes"/> bytes.</exception>
    public PeerSecret(byte[] first, byte[]? second = null)
    {
        ArgumentNullException.ThrowIfNull(first);
        if (first.Length < MinKeyBytes)
            throw new ArgumentException(TooShort("the first key", first.Length), nameof(first));
        if (second is { Length: < MinKeyBytes })
            throw new ArgumentException(TooShort("the second key", second.Length), nameof(second));
        Keys = second is null ? [new PeerKey(first)] : [new PeerKey(first), new PeerKey(second)];
    }

    /// <summary>The keys, the one with which the node proves itself first.</summary>
    internal IReadOnlyList<PeerKey> Keys { get; }

    /// <summary>Reads a secret from a file with one key on each line; empty lines and lines that begin with # are ignored.</summary>
    /// <exception cref="InvalidDataException">
    /// The file has no key or more than two, a key is too short, or the file is not private; the message says what to do.
    /// </exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    public static PeerSecret ReadFile(string path)
    {
        var lines = File.ReadAllLines(path);
        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & ForeignAccess) is not UnixFileMode.None and var foreign)
        {
            throw new InvalidDataException(
                $"others than its owner have access to it ({foreign}). Run chmod 600 on it; if others may have read it, replace the key.");
        }

        var keys = lines.Select(static line => line.Trim()).Where(static line => line.Length > 0 && line[0] != '#')
            .Select(Encoding.UTF8.GetBytes).ToList();
        if (keys.Count is not (1 or 2))
        {
            throw new InvalidDataException(
                $"it has {keys.Count} keys; it must have one, or two during a rotation, each on a line of its own.");
        }

        for (var i = 0; i < keys.Count; i++)
        {
            if (keys[i].Length < MinKeyBytes)
                throw new InvalidDataException(TooShort($"key {i + 1}", keys[i].Length));
        }

        return new PeerSecret(keys[0], keys.ElementAtOrDefault(1));
    }

    /// <summary>Shows nothing of the secret.</summary>
    public override string ToString() => $"{Keys.Count} key(s)";

    private static string TooShort(string key, int bytes) =>
        $"{key} has {bytes} bytes; it must have at least {MinKeyBytes}. Create one with: openssl rand -hex 32";
}

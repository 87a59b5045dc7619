using Quorate.Node.Transport;

namespace Quorate.Server.Storage;

/// <summary>Reads the file of <c>--peer-secret-file</c>. Nothing of its content reaches a message.</summary>
internal static class PeerSecretFile
{
    /// <summary>Reads the secret.</summary>
    /// <exception cref="StartupException">The file cannot be read, is not a secret, or is not private.</exception>
    public static PeerSecret Read(string path)
    {
        try
        {
            return PeerSecret.ReadFile(path);
        }
        catch (InvalidDataException e)
        {
            throw StartupException.Failed(
                $"--peer-secret-file {path} cannot be used.", e.Message,
                "give all members the same file, which only their user can read: openssl rand -hex 32 > FILE; chmod 600 FILE", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw StartupException.Failed(
                $"--peer-secret-file {path} cannot be read.", e.Message,
                "set --peer-secret-file to a file that this user may read, or leave the flag out on all members", e);
        }
    }
}

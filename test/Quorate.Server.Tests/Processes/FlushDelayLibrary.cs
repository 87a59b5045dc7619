using System.ComponentModel;
using System.Diagnostics;

namespace Quorate.Server.Tests.Processes;

/// <summary>The library that delays the flushes of a process that loads it first: flush-delay.c.</summary>
internal static class FlushDelayLibrary
{
    /// <summary>Compiles the library into a directory, unless it is there; returns its path.</summary>
    public static string Build(string directory)
    {
        var library = Path.Combine(directory, "flush-delay.so");
        if (File.Exists(library))
            return library;
        try
        {
            var source = Path.Combine(AppContext.BaseDirectory, "flush-delay.c");
            using var compiler = Process.Start("cc", ["-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"]);
            compiler.WaitForExit();
            Assert.Equal(0, compiler.ExitCode);
        }
        catch (Win32Exception)
        {
            Assert.Skip("no C compiler is installed, and this test needs it to delay flushes (Debian: apt-get install gcc)");
        }

        return library;
    }
}

using System.Diagnostics;

namespace Quorate.Server.Tests.Processes;

/// <summary>The real <c>etcdctl</c> of Debian's etcd-client, API version 3.</summary>
internal static class EtcdCtl
{
    public static async Task<(int ExitCode, string Output, string Errors)> RunAsync(string endpoints, string? input,
        params string[] arguments)
    {
        var start = new ProcessStartInfo("etcdctl", ["--endpoints", endpoints, .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["ETCDCTL_API"] = "3" },
        };
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Skip("etcdctl is not installed, and this test needs it (Debian: apt-get install etcd-client)");
            throw;
        }

        using (process)
        {
            if (input is not null)
                await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
            var output = process.StandardOutput.ReadToEndAsync();
            var errors = process.StandardError.ReadToEndAsync();
            await process.WaitForExitAsync();
            return (process.ExitCode, await output, await errors);
        }
    }

    /// <summary>Runs a command that must succeed and returns its output, without the last line break.</summary>
    public static async Task<string> OkAsync(string endpoints, params string[] arguments)
    {
        var (exitCode, output, errors) = await RunAsync(endpoints, null, arguments);
        Assert.True(exitCode == 0, $"etcdctl {string.Join(' ', arguments)}: exit code {exitCode}\n{output}{errors}");
        return output.TrimEnd('\n');
    }

    public static async Task<string> TxnAsync(string endpoints, string script)
    {
        var (exitCode, output, errors) = await RunAsync(endpoints, script, "txn");
        Assert.True(exitCode == 0, $"etcdctl txn: exit code {exitCode}\n{output}{errors}");
        return output.TrimEnd('\n');
    }
}

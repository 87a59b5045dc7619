using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Quorate.Server.Tests.Processes;

/// <summary>A program started by a test; its output is kept, and it ends with the test.</summary>
internal sealed class TestProcess : IAsyncDisposable
{
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _errors = new();
    private readonly Process _process;

    private TestProcess(ProcessStartInfo start)
    {
        start.RedirectStandardInput = true;
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Append(_output, line.Data);
        _process.ErrorDataReceived += (_, line) => Append(_errors, line.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    public int ExitCode => _process.ExitCode;

    public StreamWriter Input => _process.StandardInput;

    public string Output => Read(_output);

    public string Errors => Read(_errors);

    /// <summary>Starts <c>quorate</c> with these arguments.</summary>
    public static TestProcess StartQuorate(params string[] arguments) => Start("dotnet", [QuorateDll, .. arguments]);

    /// <summary>
    /// Starts <c>quorate</c> so that it receives SIGINT and SIGHUP. A process started in the background of a shell script inherits the
    /// first as ignored, one started by nohup the second.
    /// </summary>
    public static TestProcess StartQuorateWithDefaultSignals(params string[] arguments) =>
        Start("env", ["--default-signal=INT,HUP", "dotnet", QuorateDll, .. arguments]);

    public static TestProcess Start(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo(program, arguments);
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
            start.Environment[name] = value;
        return new TestProcess(start);
    }

    /// <summary>The path of the program in the output directory of these tests.</summary>
    public static string QuorateDll => Path.Combine(AppContext.BaseDirectory, "quorate.dll");

    /// <summary>Waits until the program has written a text to stderr.</summary>
    public Task WaitForLogAsync(string text) => WaitForTextAsync(() => Errors, text);

    /// <summary>Waits until the program has written a text to stdout.</summary>
    public Task WaitForOutputAsync(string text) => WaitForTextAsync(() => Output, text);

    /// <summary>Sends SIGTERM, as a supervisor does.</summary>
    public Task TerminateAsync() => SignalAsync("-TERM");

    /// <summary>Sends SIGINT, as a terminal does for Ctrl+C.</summary>
    public Task InterruptAsync() => SignalAsync("-INT");

    /// <summary>Sends SIGHUP, as the system does when the terminal is closed.</summary>
    public Task HangUpAsync() => SignalAsync("-HUP");

    /// <summary>Sends SIGSTOP: the process stands still, and its connections stay open.</summary>
    public Task PauseAsync() => SignalAsync("-STOP");

    /// <summary>Sends SIGCONT: a paused process continues.</summary>
    public Task ResumeAsync() => SignalAsync("-CONT");

    /// <summary>Sends SIGKILL.</summary>
    public async Task KillAsync()
    {
        if (!_process.HasExited)
            _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>Waits until the program exits by itself.</summary>
    public async Task<int> WaitForExitAsync(TimeSpan timeLimit)
    {
        using var timeout = new CancellationTokenSource(timeLimit);
        try
        {
            await _process.WaitForExitAsync(timeout.Token);
        }
        catch (OperationCanceledException)
        {
            Assert.Fail($"still running after {timeLimit.TotalSeconds} s; its output:\n{Output}\n{Errors}");
        }

        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _process.Dispose();
    }

    private async Task WaitForTextAsync(Func<string> read, string text)
    {
        var deadline = Environment.TickCount64 + 30_000;
        while (!read().Contains(text, StringComparison.Ordinal))
        {
            Assert.False(HasExited, $"the process exited without writing \"{text}\":\n{Output}\n{Errors}");
            Assert.True(Environment.TickCount64 < deadline, $"the process did not write \"{text}\":\n{Output}\n{Errors}");
            await Task.Delay(10);
        }
    }

    private async Task SignalAsync(string signal)
    {
        using var kill = Process.Start("kill", [signal, Id.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync();
    }

    private static void Append(StringBuilder into, string? line)
    {
        if (line is null)
            return;
        lock (into)
            into.AppendLine(line);
    }

    private static string Read(StringBuilder from)
    {
        lock (from)
            return from.ToString();
    }
}

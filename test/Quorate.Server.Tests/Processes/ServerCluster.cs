using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Grpc.Net.Client;
using Quorate.Server.Protos;

namespace Quorate.Server.Tests.Processes;

/// <summary>
/// Several <c>quorate server</c> processes that form one cluster, started with etcd's flags, on free loopback ports and in a directory of
/// their own.
/// </summary>
internal sealed class ServerCluster : IAsyncDisposable
{
    private readonly string _rootDirectory = Directory.CreateTempSubdirectory("quorate-servers-").FullName;
    private readonly TestProcess?[] _members;
    private readonly int[] _clientPorts;
    private readonly int[] _peerPorts;
    private readonly GrpcChannel[] _channels;
    private readonly string[] _extraFlags;

    private ServerCluster(int size, string[] extraFlags)
    {
        _members = new TestProcess?[size];
        var ports = FindFreePorts(2 * size);
        _clientPorts = ports[..size];
        _peerPorts = ports[size..];
        var channelOptions = new GrpcChannelOptions { MaxReceiveMessageSize = null };
        _channels = [.. _clientPorts.Select(port => GrpcChannel.ForAddress($"http://127.0.0.1:{port}", channelOptions))];
        _extraFlags = extraFlags;
    }

    public int Size => _members.Length;

    public IEnumerable<int> Numbers => Enumerable.Range(1, Size);

    public string AllEndpoints => string.Join(',', Numbers.Select(Endpoint));

    public string Token { get; init; } = "test";

    /// <summary>Starts all members and waits until each serves linearizable reads.</summary>
    public static async Task<ServerCluster> StartAsync(int size, params string[] extraFlags)
    {
        var cluster = new ServerCluster(size, extraFlags);
        try
        {
            foreach (var number in cluster.Numbers)
                cluster.Start(number);
            foreach (var number in cluster.Numbers)
                await cluster.WaitUntilReadyAsync(number);
            return cluster;
        }
        catch
        {
            // Also when the test is skipped because etcdctl is missing: no member process may outlive its test.
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>Creates a cluster without starting its members.</summary>
    public static ServerCluster CreateStopped(int size, params string[] extraFlags) => new(size, extraFlags);

    public string Endpoint(int number) => $"127.0.0.1:{_clientPorts[number - 1]}";

    /// <summary>The temporary directory of the cluster.</summary>
    public string RootDirectory => _rootDirectory;

    public string DataDirectory(int number) => Path.Combine(_rootDirectory, $"n{number}");

    public TestProcess GetProcess(int number) =>
        _members[number - 1] ?? throw new InvalidOperationException($"member {number} is not running");

    public bool IsRunning(int number) => _members[number - 1] is not null;

    public KV.KVClient Kv(int number) => new(_channels[number - 1]);

    public Maintenance.MaintenanceClient Maintenance(int number) => new(_channels[number - 1]);

    /// <summary>Returns the flags of a member, as in a Procfile.</summary>
    public string[] Flags(int number) =>
    [
        "--name", $"n{number}",
        "--data-dir", DataDirectory(number),
        "--listen-client-urls", $"http://{Endpoint(number)}",
        "--advertise-client-urls", $"http://{Endpoint(number)}",
        "--listen-peer-urls", PeerUrl(number),
        "--initial-advertise-peer-urls", PeerUrl(number),
        "--initial-cluster", string.Join(',', Numbers.Select(n => $"n{n}={PeerUrl(n)}")),
        "--initial-cluster-token", Token,
        "--initial-cluster-state", "new",
        .. _extraFlags,
    ];

    public string PeerUrl(int number) => $"http://127.0.0.1:{_peerPorts[number - 1]}";

    /// <summary>Starts a member. Flags given here come last and take precedence.</summary>
    public void Start(int number, params string[] lastFlags) =>
        _members[number - 1] = TestProcess.StartQuorate(["server", .. Flags(number), .. lastFlags]);

    /// <summary>Starts a member with another build of the program.</summary>
    public void StartBuild(string quorateDll, int number, params string[] lastFlags) =>
        _members[number - 1] = TestProcess.Start("dotnet", [quorateDll, "server", .. Flags(number), .. lastFlags]);

    /// <summary>Stops a member with SIGTERM.</summary>
    public async Task StopAsync(int number)
    {
        await GetProcess(number).TerminateAsync();
        Assert.Equal(0, await GetProcess(number).WaitForExitAsync(TimeSpan.FromSeconds(60)));
        await KillAsync(number);
    }

    /// <summary>Starts a member that can have only so many files and sockets open.</summary>
    public void StartWithOpenFileLimit(int number, int files) => _members[number - 1] = TestProcess.Start(
        "sh", ["-c", $"ulimit -n {files} && exec \"$@\"", "sh", "dotnet", TestProcess.QuorateDll, "server", .. Flags(number)]);

    /// <summary>Starts a member under strace, which makes one flush fail: the one with this number, counted from the log's first.</summary>
    /// <param name="number">The member.</param>
    /// <param name="failingFlush">Which flush fails. The next would succeed again, and the process must not try it.</param>
    /// <param name="trace">The file for the traced calls, with their times.</param>
    /// <param name="lastFlags">As in <see cref="Start"/>.</param>
    public void StartWithFailingFlush(int number, int failingFlush, string trace, params string[] lastFlags) =>
        StartUnderStrace(number, $"inject=fdatasync:error=EIO:when={failingFlush}", trace, lastFlags);

    /// <summary>Starts a member whose flushes <see cref="DelayFlushes"/> can delay.</summary>
    /// <remarks>strace cannot: a process that ends during an injected delay stays until the delay has passed.</remarks>
    public void StartWithFlushDelay(int number)
    {
        var library = FlushDelayLibrary.Build(_rootDirectory);
        _members[number - 1] = TestProcess.Start(
            "dotnet", [TestProcess.QuorateDll, "server", .. Flags(number)],
            new Dictionary<string, string> { ["LD_PRELOAD"] = library, ["QUORATE_FLUSH_DELAY"] = FlushDelayFile(number) });
    }

    /// <summary>Delays each flush that begins from now on; zero ends that.</summary>
    public void DelayFlushes(int number, TimeSpan delay)
    {
        // Renamed, so that the member reads the old or the new number.
        var file = FlushDelayFile(number);
        File.WriteAllText(file + ".new", ((long)delay.TotalMilliseconds).ToString(CultureInfo.InvariantCulture));
        File.Move(file + ".new", file, overwrite: true);
    }

    private string FlushDelayFile(int number) => Path.Combine(_rootDirectory, $"flush-delay-{number}");

    private void StartUnderStrace(int number, string injection, string trace, string[] lastFlags)
    {
        try
        {
            _members[number - 1] = TestProcess.Start(
                "strace",
                [
                    // -D: the server is the child of this process and strace a detached grandchild, so ending the child ends the server.
                    "-D", "-f", "-q", "--seccomp-bpf", "-ttt", "-e", "trace=fdatasync,exit_group", "-e", injection, "-o", trace,
                    "dotnet", TestProcess.QuorateDll, "server", .. Flags(number), .. lastFlags,
                ]);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Skip("strace is not installed, and this test needs it to inject a fault (Debian: apt-get install strace)");
        }
    }

    public async Task KillAsync(int number)
    {
        await GetProcess(number).DisposeAsync();
        _members[number - 1] = null;
    }

    /// <summary>Waits until a member serves a linearizable read.</summary>
    public async Task WaitUntilReadyAsync(int number)
    {
        var deadline = DateTime.UtcNow.AddSeconds(60);
        while (true)
        {
            try
            {
                await Kv(number).RangeAsync(new RangeRequest { Key = "ready"u8.ToByteString() }, deadline: DateTime.UtcNow.AddSeconds(2));
                return;
            }
            catch (Grpc.Core.RpcException) when (DateTime.UtcNow < deadline)
            {
                Assert.False(GetProcess(number).HasExited, $"member {number} ended: {GetProcess(number).Errors}");
                await Task.Delay(20);
            }
        }
    }

    /// <summary>Returns the number of the leader; 0 when the running members do not agree on one.</summary>
    public async Task<int> GetLeaderAsync()
    {
        var statuses = new Dictionary<int, StatusResponse>();
        foreach (var number in Numbers.Where(IsRunning))
            statuses[number] = await Maintenance(number).StatusAsync(new StatusRequest(), deadline: DateTime.UtcNow.AddSeconds(5));
        return statuses.Values.Select(s => s.Leader).Distinct().ToArray() is [var leader and not 0]
            ? statuses.FirstOrDefault(s => s.Value.Header.MemberId == leader).Key
            : 0;
    }

    public async Task<int> WaitForLeaderAsync()
    {
        var deadline = Environment.TickCount64 + 30_000;
        while (true)
        {
            if (await GetLeaderAsync() is var leader and not 0)
                return leader;
            Assert.True(Environment.TickCount64 < deadline, "the members do not agree on a leader");
            await Task.Delay(20);
        }
    }

    /// <summary>Reads everything in a member's own store, without a quorum.</summary>
    public async Task<RangeResponse> ReadAllAsync(int number) => await Kv(number).RangeAsync(new RangeRequest
    {
        Key = "\0"u8.ToByteString(),
        RangeEnd = "\0"u8.ToByteString(),
        Serializable = true,
    });

    public async ValueTask DisposeAsync()
    {
        foreach (var channel in _channels)
            channel.Dispose();
        foreach (var number in Numbers.Where(IsRunning))
            await KillAsync(number);
        Directory.Delete(_rootDirectory, recursive: true);
    }

    private static int[] FindFreePorts(int count)
    {
        var listeners = Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0)).ToArray();
        foreach (var listener in listeners)
            listener.Start();
        var ports = listeners.Select(l => ((IPEndPoint)l.LocalEndpoint).Port).ToArray();
        foreach (var listener in listeners)
            listener.Stop();
        return ports;
    }
}

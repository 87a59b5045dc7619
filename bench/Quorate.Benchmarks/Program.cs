using BenchmarkDotNet.Running;
using Quorate.Benchmarks.Kv;
using Quorate.Benchmarks.Wal;

// Every benchmark runs under BenchmarkDotNet except two whose sides must alternate: the comparison with the raw disk, and snapshots.
if (args is ["wal-ratio"])
    RawDiskComparison.Run();
else if (args is ["snapshot"])
    SnapshotThroughput.Run();
else if (args is ["snapshot", var file])
    SnapshotThroughput.RunOnce(file);
else
    BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);

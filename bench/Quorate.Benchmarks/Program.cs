using BenchmarkDotNet.Running;
using Quorate.Benchmarks.Wal;

// Everything is BenchmarkDotNet's but the comparison with the bare loop: its sides must take turns on the disk.
if (args is ["wal-ratio"])
    RawDiskComparison.Run();
else
    BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);

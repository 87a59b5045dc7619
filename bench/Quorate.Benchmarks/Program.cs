using BenchmarkDotNet.Running;
using Quorate.Benchmarks.Wal;

// Every benchmark runs under BenchmarkDotNet except the comparison with the raw disk, whose sides must alternate on the same disk.
if (args is ["wal-ratio"])
    RawDiskComparison.Run();
else
    BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);

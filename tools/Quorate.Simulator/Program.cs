using System.Diagnostics;
using System.Globalization;
using Quorate.Verification;
using Quorate.Verification.Shrinking;

// The simulator and the explorer from a shell: one seed or many; a model configuration explored whole or walked at random.
const string Usage = """
    usage: Quorate.Simulator --seed N [--trace] [--ndjson FILE] [--shrink] [REDUCTION]
           Quorate.Simulator --seed N --check-determinism
           Quorate.Simulator --seeds N [--from N] [--jobs N] [--keep-going]
           Quorate.Simulator --explore [NAME]
           Quorate.Simulator --walk [SEED [--steps N [--model NAME]]]

      --seed N              simulate the cluster of one seed
      --trace               print every event of the run
      --ndjson FILE         write every step of every Raft core to FILE (docs/formats/trace.md)
      --shrink              reduce a failing run to what makes it fail, and print it with the command that reproduces it
      --check-determinism   run the seed in another process, then in this one, and report the first difference
      --seeds N             simulate N seeds; stops at the first failure
      --from N              the first seed (default 1)
      --jobs N              simulate N seeds in parallel (default 1)
      --keep-going          continue after a failure
      --explore [NAME]      explore every state of a model configuration; without NAME, list the configurations
      --walk [SEED]         walk at random through the state space of a large model configuration; without SEED, list them
      --steps N             the number of steps of all walks (default 1,000,000)
      --model NAME          the model configuration (default: the first of the list)
      --leases              with --seed or --seeds: the members have leader leases, and clients read by them
      --member-changes      with --seed or --seeds: members are added and removed, and leadership is transferred on request
      --leases-beyond-bounds  the same with clocks beyond the stated bounds: violations of lease reads are expected
      --refine              with any of these: every step of every core must be a step of the specification

    REDUCTION, as --shrink prints it; every option is a smaller run of the same seed:
      --members N           this number of members
      --fault-phase µs      duration of the fault phase
      --until µs            end the run at this time
      --without LIST        disable these kinds of faults
      --injections LIST     inject only these faults, such as kill.1 (the first kill); - for none
      --iterations LIST     run only these iterations of the clients, client.number@µs; - for none

    Exit codes: 0 success, 1 invalid arguments, 2 a property was violated or a coverage goal was missed.
    """;

if (args is [] or ["--help" or "-h", ..])
{
    (args is [] ? Console.Error : Console.Out).WriteLine(Usage);
    return args is [] ? 1 : 0;
}

if (args is ["--explore" or "--walk", ..])
    return ExplorerCommands.Run(args, Usage);

var command = new SimulatorCommandLine();
string? ndjson = null;
var (seeds, from, jobs, trace, keepGoing, shrink, record) = (1000UL, 1UL, 1, false, false, false, false);
var arguments = new Queue<string>(args);
try
{
    while (arguments.Count > 0)
    {
        if (SimulatorCommandLine.TryParseNext(command, arguments, out command))
            continue;
        ulong Number() => ulong.Parse(arguments.Dequeue(), CultureInfo.InvariantCulture);
        switch (arguments.Dequeue())
        {
            case "--seeds":
                seeds = Number();
                break;
            case "--from":
                from = Number();
                break;
            case "--jobs":
                jobs = (int)Number();
                break;
            case "--trace":
                trace = true;
                break;
            case "--ndjson":
                ndjson = arguments.Dequeue();
                break;
            case "--keep-going":
                keepGoing = true;
                break;
            case "--shrink":
                shrink = true;
                break;
            case DeterminismCheck.RecordSwitch:
                record = true;
                break;
            default:
                Console.Error.WriteLine(Usage);
                return 1;
        }
    }
}
catch (Exception e) when (e is FormatException or OverflowException or InvalidOperationException)
{
    Console.Error.WriteLine($"a value is missing or is not a number\n{Usage}");
    return 1;
}

var clock = Stopwatch.StartNew();
if (command.Seed is { } only)
{
    using var file = ndjson is null ? null : new BufferedStream(File.Create(ndjson), 1 << 16);
    try
    {
        if (record)
        {
            DeterminismCheck.WriteRecord(command);
            return 0;
        }

        var report = Run(command, command.Options with { OnEvent = trace ? Console.WriteLine : null, Trace = file });
        Console.WriteLine(
            $"seed {only}: ok, {report.Members} members, {report.SimulatedSeconds:0.0} s simulated in {clock.Elapsed.TotalSeconds:0.00} s, "
            + $"{report.Events} events, trace {report.TraceHash:x16}");
        foreach (var (counter, count) in report.Counts)
            Console.WriteLine($"{count,9}  {counter}");
        return 0;
    }
    catch (SimulationFailedException failure)
    {
        (record ? Console.Error : Console.Out).WriteLine(failure.Message);
        if (shrink)
            Shrink(failure, command);
        return 2;
    }
}

// A run is single-threaded and shares nothing with other runs; --jobs only uses more cores.
var counts = new SortedDictionary<string, long>(StringComparer.Ordinal);
var (simulated, done, failed, events) = (0.0, 0, 0, 0L);
var next = (long)from - 1;
var gate = new Lock();
var workers = Enumerable.Range(0, jobs).Select(_ => new Thread(() =>
{
    while (true)
    {
        var seed = (ulong)Interlocked.Increment(ref next);
        if (seed >= from + seeds || (failed > 0 && !keepGoing))
            return;
        try
        {
            var report = Run(command with { Seed = seed }, command.Options);
            lock (gate)
            {
                done++;
                simulated += report.SimulatedSeconds;
                events += report.Events;
                foreach (var (counter, count) in report.Counts)
                    counts[counter] = counts.GetValueOrDefault(counter) + count;
            }
        }
        catch (SimulationFailedException failure)
        {
            lock (gate)
            {
                if (failed++ == 0 || !keepGoing)
                    Console.WriteLine(failure.Message);
                else
                    Console.WriteLine($"seed {failure.Seed}: {failure.Violation}\nreproduce with: {failure.ReproCommand}");
            }
        }
    }
})).ToList();
workers.ForEach(static worker => worker.Start());
using (var progress = Console.IsErrorRedirected ? null : new Timer(PrintProgress, null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1)))
    workers.ForEach(static worker => worker.Join());
if (!Console.IsErrorRedirected)
    PrintProgress(null);

var allGoalsMet = PrintCounts();
var (seconds, cpuSeconds) = (clock.Elapsed.TotalSeconds, Environment.CpuUsage.TotalTime.TotalSeconds);
Console.WriteLine(
    $"{done} seeds ok, {failed} failed, in {seconds:0.0} s: {done / seconds:0.0} seeds/s, "
    + $"{simulated / seconds:0} simulated seconds per second");
Console.WriteLine(
    $"CPU time {cpuSeconds:0.0} s: {done / cpuSeconds:0.0} seeds/s, {simulated / cpuSeconds:0} simulated seconds and "
    + $"{events / cpuSeconds:0} events per second");

// From this number of seeds on, a coverage goal that no run meets fails the command: the code behind it is no longer tested.
const ulong SeedsThatMeetAllGoals = 10_000;
return failed == 0 && (allGoalsMet || seeds < SeedsThatMeetAllGoals) ? 0 : 2;

static SimulationReport Run(SimulatorCommandLine command, RunOptions options) =>
    command.CheckDeterminism ? DeterminismCheck.Run(command, options) : KvSimulation.Run(command.Seed!.Value, options);

// Prints every event of the reduced run, which is short enough to read.
static void Shrink(SimulationFailedException failure, SimulatorCommandLine command)
{
    SimulationReport RunReduced(RunOptions options) =>
        KvSimulation.Run(
            failure.Seed,
            options with { Refine = command.Refine, Leases = command.Leases, ChangesMembers = command.ChangesMembers });
    var shrunk = Shrinker.Shrink(failure, RunReduced, Console.Error.WriteLine);
    Console.WriteLine();
    try
    {
        RunReduced(new RunOptions { Reduction = shrunk.Failure.Reduction, OnEvent = Console.WriteLine });
    }
    catch (SimulationFailedException same)
    {
        Console.WriteLine(same.Violation);
    }

    Console.WriteLine($"""
        before: {shrunk.Before}
        after:  {shrunk.After}, in {shrunk.Runs} runs
        reproduce with: {shrunk.Failure.ReproCommand}
        """);
}

// Overwrites one line of the terminal.
void PrintProgress(object? state)
{
    var finished = Volatile.Read(ref done) + Volatile.Read(ref failed);
    var line = $"{finished} of {seeds} seeds, {Volatile.Read(ref failed)} failed, {clock.Elapsed.TotalSeconds:0} s";
    Console.Error.Write(finished == (int)seeds ? $"\r{line}\n" : $"\r{line}");
}

// Counters of faults and coverage marks have a prefix ("fault: kill"); they are printed after the others.
bool PrintCounts()
{
    static bool HasPrefix(string counter) => counter.Contains(": ", StringComparison.Ordinal);
    foreach (var (counter, count) in counts.Where(static c => !HasPrefix(c.Key)).Concat(counts.Where(static c => HasPrefix(c.Key))))
        Console.WriteLine($"{count,12}  {counter}");
    var missing = CoverageGoals.Missing(counts);
    var never = missing.Count == 0 ? "" : "; never: " + string.Join(", ", missing);
    Console.WriteLine($"{CoverageGoals.Names.Count - missing.Count} of {CoverageGoals.Names.Count} coverage goals met{never}");
    return missing.Count == 0;
}

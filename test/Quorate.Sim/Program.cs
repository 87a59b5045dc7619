using System.Diagnostics;
using System.Globalization;
using Quorate.Verification;
using Quorate.Verification.Shrinking;

// The simulator and the explorer from a shell: one seed, told as it happens, or many of them; a world explored, or walked through.
const string Usage = """
    Quorate.Sim --seed N [--trace] [--ndjson FILE] [--shrink]    one run; --trace tells all that happens, --ndjson writes every step of every core,
                                                          --shrink makes a run that fails small
                [--members N] [--life µs] [--until µs] [--calm LIST] [--strikes LIST] [--turns LIST]
                                                          with less of it, as --shrink says
    Quorate.Sim --seed N --twice                          twice, first in a process of its own, and the first thing that the second run does otherwise
    Quorate.Sim --seeds N [--from N] [--jobs N] [--keep-going]   many runs; ends at the first failure unless told to keep going
    --refine, with all of these                           every step of every core must be a step of the specification
    Quorate.Sim --explore [NAME]                          every state of a world of real cores; without a name, its worlds
    Quorate.Sim --walk SEED [--steps N]                   at random through a larger one
    """;

if (args is ["--explore" or "--walk", ..])
    return ExplorerCommands.Run(args, Usage);

var command = new SimulatorCommand();
string? ndjson = null;
var (seeds, from, jobs, trace, keepGoing, shrink, record) = (1000UL, 1UL, 1, false, false, false, false);
var arguments = new Queue<string>(args);
try
{
    while (arguments.Count > 0)
    {
        if (SimulatorCommand.TryParseNext(command, arguments, out command))
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
    Console.Error.WriteLine($"A value is missing or is no number.\n{Usage}");
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
        Console.WriteLine($"seed {only}: ok, {report.Members} members, {report.SimulatedSeconds:0.0} s simulated in {clock.Elapsed.TotalSeconds:0.00} s, {report.Events} events, trace {report.TraceHash:x16}");
        foreach (var (what, count) in report.Counts)
            Console.WriteLine($"{count,9}  {what}");
        return 0;
    }
    catch (SimulationFailedException failure)
    {
        (record ? Console.Error : Console.Out).WriteLine(failure.Message);
        if (shrink)
            Shrink(failure, command.Refine);
        return 2;
    }
}

// Each run has one thread and shares nothing; some run side by side only to use the machine.
var counts = new SortedDictionary<string, long>(StringComparer.Ordinal);
var (simulated, done, failed, events) = (0.0, 0, 0, 0L);
var next = (long)from - 1;
var gate = new Lock();
var workers = Enumerable.Range(0, jobs).Select(_ => new Thread(() =>
{
    while (true)
    {
        var mine = (ulong)Interlocked.Increment(ref next);
        if (mine >= from + seeds || (failed > 0 && !keepGoing))
            return;
        try
        {
            var report = Run(command with { Seed = mine }, command.Options);
            lock (gate)
            {
                done++;
                simulated += report.SimulatedSeconds;
                events += report.Events;
                foreach (var (what, count) in report.Counts)
                    counts[what] = counts.GetValueOrDefault(what) + count;
            }
        }
        catch (SimulationFailedException failure)
        {
            lock (gate)
            {
                if (failed++ == 0 || !keepGoing)
                    Console.WriteLine(failure.Message);
                else
                    Console.WriteLine($"seed {failure.Seed}: {failure.Violation}\nagain: {failure.ReproCommand}");
            }
        }
    }
})).ToList();
workers.ForEach(static w => w.Start());
workers.ForEach(static w => w.Join());

var isAllMet = PrintCounts();
var (seconds, processor) = (clock.Elapsed.TotalSeconds, Environment.CpuUsage.TotalTime.TotalSeconds);
Console.WriteLine($"{done} seeds ok, {failed} failed, in {seconds:0.0} s: {done / seconds:0.0} seeds/s, {simulated / seconds:0} simulated seconds a second");
Console.WriteLine($"of processor time {processor:0.0} s: {done / processor:0.0} seeds/s, {simulated / processor:0} simulated seconds and {events / processor:0} events a second");

// So many runs meet everything that Coverage names: what they do not meet is not tested any more.
const ulong SeedsThatMeetAll = 10_000;
return failed == 0 && (isAllMet || seeds < SeedsThatMeetAll) ? 0 : 2;

static SimulationReport Run(SimulatorCommand command, RunOptions options) =>
    command.CheckDeterminism ? DeterminismCheck.Run(command, options) : KvSimulation.Run(command.Seed!.Value, options);

// The small run is told whole: it is short enough to be read.
static void Shrink(SimulationFailedException failure, bool refine)
{
    SimulationReport RunLess(RunOptions options) => KvSimulation.Run(failure.Seed, options with { Refine = refine });
    var shrunk = Shrinker.Shrink(failure, RunLess, Console.Error.WriteLine);
    Console.WriteLine();
    try
    {
        RunLess(new RunOptions { Reduction = shrunk.Failure.Reduction, OnEvent = Console.WriteLine });
    }
    catch (SimulationFailedException same)
    {
        Console.WriteLine(same.Violation);
    }

    Console.WriteLine($"""
        before: {shrunk.Before}
        after:  {shrunk.After}, in {shrunk.Runs} runs
        again:  {shrunk.Failure.ReproCommand}
        """);
}

// Faults and marks have their prefixes, and stand together.
bool PrintCounts()
{
    foreach (var (what, count) in counts.Where(static c => !c.Key.Contains(": ", StringComparison.Ordinal)).Concat(counts.Where(static c => c.Key.Contains(": ", StringComparison.Ordinal))))
        Console.WriteLine($"{count,12}  {what}");
    var missing = CoverageGoals.Missing(counts);
    Console.WriteLine($"{CoverageGoals.Names.Count - missing.Count} of {CoverageGoals.Names.Count} marks met{(missing.Count == 0 ? "" : "; never: " + string.Join(", ", missing))}");
    return missing.Count == 0;
}

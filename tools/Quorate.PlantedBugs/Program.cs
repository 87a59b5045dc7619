using System.Globalization;
using Quorate.PlantedBugs;
using Quorate.PlantedBugs.Build;
using Quorate.PlantedBugs.Detectors;

// Runs planted bugs against their detectors from a shell: all bugs, or the named ones.
const string Usage = """
    Quorate.PlantedBugs [--only NAME,…] [--jobs N]        plants each bug and runs all its detectors; exits with 2 if a bug is not detected
    Quorate.PlantedBugs --by DETECTOR [--only NAME,…]     runs this detector instead, and accepts any violation; DETECTOR as in a bug's
                                                          file, e.g. "refinement, 20 seeds"
    Quorate.PlantedBugs --table                           runs all trials, one at a time, and writes docs/testing/planted-bugs.md
    """;

string[]? only = null;
Detector? by = null;
var (jobs, table) = (1, false);
for (var i = 0; i < args.Length; i++)
{
    switch (args[i])
    {
        case "--only" when i + 1 < args.Length:
            only = args[++i].Split(',');
            break;
        case "--by" when i + 1 < args.Length:
            by = Detector.Parse(args[++i], "--by");
            break;
        case "--jobs" when i + 1 < args.Length:
            jobs = int.Parse(args[++i], CultureInfo.InvariantCulture);
            break;
        case "--table":
            (table, jobs) = (true, 1);
            break;
        default:
            Console.Error.WriteLine(Usage);
            return 1;
    }
}

var bugs = PlantedBug.All
    .Where(bug => only?.Contains(bug.Name) ?? true)
    .Select(bug => by is null ? bug : bug with { DetectedBy = [by], Violates = [] })
    .ToList();
if (bugs.Count == 0)
{
    Console.Error.WriteLine($"there is no planted bug {string.Join(", ", only ?? [])}");
    return 1;
}

var plan = bugs.SelectMany(static bug => bug.DetectedBy.Select(detector => (Bug: bug, Detector: detector))).ToList();
var trials = new PlantedBugTrial[plan.Count];
var next = -1;
var workers = Enumerable.Range(0, jobs).Select(_ => new Thread(() =>
{
    for (var i = Interlocked.Increment(ref next); i < trials.Length; i = Interlocked.Increment(ref next))
    {
        var trial = trials[i] = PlantedBugTrial.RunWithinTimeLimit(plan[i].Bug, plan[i].Detector);
        var detector = trial.Detector.ToString()!.Split(':', ',')[0];
        var message = trial.Detection?.Message.Split('\n')[0];
        Console.WriteLine(
            $"{trial.Bug.Name,-45} {detector,-18} {trial.Detection?.Effort ?? "-",-12} {trial.CpuSeconds,6:0.0} s  {message}");
        if (trial.Failure is { } failure)
            Console.WriteLine("  " + failure);
    }
})).ToList();
workers.ForEach(static worker => worker.Start());
workers.ForEach(static worker => worker.Join());

var failures = trials.Count(static trial => trial.Failure is not null);
var cpuSeconds = trials.Sum(static trial => trial.CpuSeconds);
Console.WriteLine(
    $"{bugs.Count} bugs, {trials.Length} trials: {trials.Length - failures} detected, {failures} failed, in {cpuSeconds:0} s of CPU time");

// The same number of seeds without a bug must pass: otherwise the detectors may have found errors of this program's own compilation.
var unpatched = PatchedBuild.Unpatched;
var simulatorTrials = trials.Where(static trial => trial.Detection is not null && trial.Detector is SimulatorDetector);
foreach (var group in simulatorTrials.GroupBy(static trial => ((SimulatorDetector)trial.Detector).Refines))
{
    var detector = new SimulatorDetector(group.Max(static trial => trial.Detection!.Position), group.Key);
    var found = detector.Run(unpatched);
    var result = found is null ? $"{detector.Seeds} seeds pass" : $"seed {found.Position} fails: {found.Message}";
    Console.WriteLine($"without a planted bug, {detector}: {result}");
    failures += found is null ? 0 : 1;
}

if (table && failures == 0 && only is null && by is null)
    ResultTable.Write(trials);
return failures == 0 ? 0 : 2;

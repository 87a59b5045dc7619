using System.Globalization;
using Quorate.PlantedBugs;
using Quorate.PlantedBugs.Detectors;
using Quorate.PlantedBugs.Build;

// The museum of bugs from a shell: all exhibits, or one.
const string Usage = """
    quorate-museum [--only NAME,…] [--jobs N]    hangs each exhibit and lets its catchers look; ends with 2 if one survives
    quorate-museum --by CATCHER [--only NAME,…]   lets another look, whatever the bug breaks: "refinement, 20 seeds", as a label says it
    quorate-museum --table                        all, one at a time, and writes the table into docs/testing.md
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

var exhibits = PlantedBug.All.Where(e => only?.Contains(e.Name) ?? true).Select(e => by is null ? e : e with { DetectedBy = [by], Violates = [] }).ToList();
if (exhibits.Count == 0)
{
    Console.Error.WriteLine($"there is no exhibit {string.Join(", ", only ?? [])}");
    return 1;
}

var looks = exhibits.SelectMany(static e => e.DetectedBy.Select(catcher => (Exhibit: e, Catcher: catcher))).ToList();
var visits = new Trial[looks.Count];
var next = -1;
var workers = Enumerable.Range(0, jobs).Select(_ => new Thread(() =>
{
    for (var i = Interlocked.Increment(ref next); i < visits.Length; i = Interlocked.Increment(ref next))
    {
        visits[i] = Trial.Run(looks[i].Exhibit, looks[i].Catcher);
        Console.WriteLine($"{looks[i].Exhibit.Name,-45} {looks[i].Catcher.ToString()!.Split(':', ',')[0],-18} {visits[i].Detection?.Effort ?? "-",-12} {visits[i].CpuSeconds,6:0.0} s  {visits[i].Detection?.Message.Split('\n')[0]}");
        if (visits[i].Failure is { } fault)
            Console.WriteLine("  " + fault);
    }
})).ToList();
workers.ForEach(static w => w.Start());
workers.ForEach(static w => w.Join());

var failures = visits.Count(static v => v.Failure is not null);
Console.WriteLine($"{exhibits.Count} bugs, looked at {visits.Length} times: {visits.Length - failures} caught, {failures} not, in {visits.Sum(static v => v.CpuSeconds):0} s of processor time");

// As many seeds with nothing hung: what was caught are the bugs, and not what the museum makes of the rooms.
var nothing = PatchedBuild.Unpatched;
foreach (var visited in visits.Where(static v => v.Detection is not null && v.Detector is SimulatorDetector).GroupBy(static v => ((SimulatorDetector)v.Detector).Refines))
{
    var catcher = new SimulatorDetector(visited.Max(static v => v.Detection!.Position), visited.Key);
    var found = catcher.Run(nothing);
    Console.WriteLine($"with nothing hung, {catcher}: {(found is null ? $"{catcher.Seeds} seeds pass" : $"seed {found.Position} fails: {found.Message}")}");
    failures += found is null ? 0 : 1;
}

if (table && failures == 0 && only is null && by is null)
    ResultTable.Write(visits);
return failures == 0 ? 0 : 2;

using System.Globalization;
using Quorate.Mutation;

// Mutation testing: small changes of the sources, drawn at random, each of which some test must detect.
const string Usage = """
    usage: Quorate.Mutation TARGET [--seed N] [--count N] [--jobs N] [--retry] [--only N,…] [--list | --report]

      TARGET      raft, wal or kv
      --seed N    the seed of the sample (default 1)
      --count N   the size of the sample (default 220)
      --jobs N    run N mutants in parallel (default 1)
      --retry     run those mutants again that no test has detected, after tests were added
      --only N,…  run these mutants again
      --list      print the sample
      --report    print the results so far

    Results are in artifacts/mutation; a run continues where the previous one ended, unless the sources have changed.
    Build test/Quorate.Raft.Tests, Node.Tests, Kv.Tests and tools/Quorate.Simulator first, in Release.
    """;

if (args is [] || MutationTarget.All.FirstOrDefault(t => t.Name == args[0]) is not { } target)
{
    Console.Error.WriteLine(Usage);
    return 1;
}

var (seed, count, jobs, retry, list, report) = (1, 220, 1, false, false, false);
int[] only = [];
for (var i = 1; i < args.Length; i++)
{
    switch (args[i])
    {
        case "--seed" when i + 1 < args.Length:
            seed = int.Parse(args[++i], CultureInfo.InvariantCulture);
            break;
        case "--count" when i + 1 < args.Length:
            count = int.Parse(args[++i], CultureInfo.InvariantCulture);
            break;
        case "--jobs" when i + 1 < args.Length:
            jobs = int.Parse(args[++i], CultureInfo.InvariantCulture);
            break;
        case "--only" when i + 1 < args.Length:
            only = [.. args[++i].Split(',').Select(int.Parse)];
            break;
        case "--retry":
            retry = true;
            break;
        case "--list":
            list = true;
            break;
        case "--report":
            report = true;
            break;
        default:
            Console.Error.WriteLine(Usage);
            return 1;
    }
}

var project = MutatedProject.Draw(target, seed, count);
if (list)
{
    foreach (var (i, mutant) in project.Sample.Index())
        Console.WriteLine($"{i + 1}: {mutant}");
    return 0;
}

var workspace = new Workspace(target, seed, project.SourceHash());
var results = workspace.ReadResults();
if (!report)
{
    Console.WriteLine($"{project.Sample.Count} of {project.Candidates} mutants drawn; results: {workspace.ResultsPath}");
    var testsHaveChanged = workspace.Install(project.Emit());
    var tests = workspace.Coverage(testsHaveChanged);
    var numbers = Enumerable.Range(1, project.Sample.Count)
        .Where(n => only.Length > 0 ? only.Contains(n) : !results.TryGetValue(n, out var r) || (retry && !r.IsDetected))
        .ToArray();
    var next = -1;
    var workers = Enumerable.Range(0, jobs).Select(_ => new Thread(() =>
    {
        for (var i = Interlocked.Increment(ref next); i < numbers.Length; i = Interlocked.Increment(ref next))
        {
            var result = MutantTrial.Run(workspace, tests, numbers[i], project.Sample[numbers[i] - 1]);
            lock (results)
            {
                results[result.Number] = result;
                workspace.Append(result);
                Console.WriteLine($"{i + 1}/{numbers.Length} {result.Outcome} {result.Number}: {result.Mutant} | {result.Detail}");
            }
        }
    })).ToList();
    workers.ForEach(static worker => worker.Start());
    workers.ForEach(static worker => worker.Join());
}

MutationReport.Write(target, seed, project, results);
return 0;

using System.Text.Json;
using Quorate.PlantedBugs;

namespace Quorate.Mutation;

/// <summary>The directory of one sample: copies of the test programs with the mutated project, and the results.</summary>
internal sealed class Workspace
{
    private readonly MutationTarget _target;
    private readonly string _path;

    public Workspace(MutationTarget target, int seed, string sourceHash)
    {
        _target = target;
        _path = Path.Combine(RepositoryRoot.FullPath, "artifacts", "mutation", $"{target.Name}-seed{seed}-{sourceHash}");
        Directory.CreateDirectory(_path);
    }

    /// <summary>One line of JSON for each mutant that was run; the last line of a mutant counts.</summary>
    public string ResultsPath => Path.Combine(_path, "results.jsonl");

    private string CoveragePath => Path.Combine(_path, "coverage.json");

    /// <summary>The results so far, by the number of the mutant.</summary>
    public Dictionary<int, MutantResult> ReadResults()
    {
        var results = new Dictionary<int, MutantResult>();
        if (File.Exists(ResultsPath))
        {
            foreach (var line in File.ReadLines(ResultsPath))
            {
                var result = JsonSerializer.Deserialize<MutantResult>(line)!;
                results[result.Number] = result;
            }
        }

        return results;
    }

    public void Append(MutantResult result) => File.AppendAllText(ResultsPath, JsonSerializer.Serialize(result) + "\n");

    /// <summary>Copies the test programs of the normal build, with the mutated project in place of its own.</summary>
    /// <returns>Whether the tests have changed since the previous call.</returns>
    public bool Install(byte[] mutatedProject)
    {
        var changed = false;
        foreach (var program in new[] { _target.TestProject, MutationTarget.Simulator })
        {
            var from = Path.Combine(RepositoryRoot.FullPath, "artifacts", "bin", program, "release");
            foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
            {
                var to = Path.Combine(_path, program, Path.GetRelativePath(from, file));
                if (Path.GetFileName(file) == _target.Project + ".dll")
                    continue;
                if (File.Exists(to) && File.GetLastWriteTimeUtc(to) == File.GetLastWriteTimeUtc(file))
                    continue;
                Directory.CreateDirectory(Path.GetDirectoryName(to)!);
                File.Copy(file, to, overwrite: true);
                changed |= Path.GetExtension(file) == ".dll";
            }

            File.WriteAllBytes(Path.Combine(_path, program, _target.Project + ".dll"), mutatedProject);
        }

        return changed;
    }

    /// <summary>The test runs, each with its CPU time and the mutants it reaches; measured again when the tests have changed.</summary>
    public List<TestRun> Coverage(bool measureAgain)
    {
        if (!measureAgain && File.Exists(CoveragePath))
            return JsonSerializer.Deserialize<List<TestRun>>(File.ReadAllText(CoveragePath))!;
        var runs = new List<TestRun>();
        foreach (var testClass in TestClasses())
            runs.Add(Measure(_target.TestProject, TestRun.ArgumentsOf([testClass]), testClass));
        foreach (var arguments in _target.SimulatorRuns)
            runs.Add(Measure(MutationTarget.Simulator, arguments, testClass: null));
        File.WriteAllText(CoveragePath, JsonSerializer.Serialize(runs));
        return runs;
    }

    /// <summary>Runs a program with one mutant active.</summary>
    public ProcessResult Run(string program, string arguments, double cpuSecondsWithoutMutant, int mutant) => LimitedProcess.Run(
        Path.Combine(_path, program, program), arguments, TimeSpan.FromSeconds(10 + (4 * cpuSecondsWithoutMutant)),
        (MutantSwitchSource.ActiveVariable, $"{mutant}"));

    private IEnumerable<string> TestClasses()
    {
        var program = Path.Combine(_path, _target.TestProject, _target.TestProject);
        var listed = LimitedProcess.Run(program, "-list classes -noLogo", TimeSpan.FromMinutes(1));
        string[] prefixes = [.. _target.TestNamespaces.Select(n => n.Length == 0 ? _target.TestProject : $"{_target.TestProject}.{n}")];
        return listed.Output.Split('\n', StringSplitOptions.TrimEntries)
            .Where(line => prefixes.Any(prefix => line.StartsWith(prefix + ".", StringComparison.Ordinal)))
            .Where(line => !_target.ExcludedTests.Any(excluded => line.EndsWith("." + excluded, StringComparison.Ordinal)))
            .Order(StringComparer.Ordinal);
    }

    private TestRun Measure(string program, string arguments, string? testClass)
    {
        var coverage = Path.Combine(_path, "reached");
        foreach (var old in Directory.EnumerateFiles(_path, "reached.*"))
            File.Delete(old);
        var result = LimitedProcess.Run(
            Path.Combine(_path, program, program), arguments, TimeSpan.FromMinutes(10), (MutantSwitchSource.CoverageVariable, coverage));
        if (result.ExitCode != 0)
            throw new InvalidOperationException($"{program} {arguments} fails without a mutant:\n{result.Output}");
        int[] reached = [.. Directory.EnumerateFiles(_path, "reached.*").SelectMany(File.ReadLines).Select(int.Parse).Distinct().Order()];
        Console.WriteLine($"  {testClass ?? arguments}: reaches {reached.Length} mutants, {result.Cpu.TotalSeconds:0.0} s of CPU time");
        return new TestRun(program, arguments, testClass, result.Cpu.TotalSeconds, reached);
    }
}

using System.Security.Cryptography;
using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Quorate.PlantedBugs;
using Quorate.PlantedBugs.Build;

namespace Quorate.Mutation;

/// <summary>A random sample of the mutants of a target, compiled into its project together.</summary>
internal sealed class MutatedProject
{
    private readonly CSharpCompilation _original;
    private readonly MutationTarget _target;

    private MutatedProject(MutationTarget target, CSharpCompilation original)
    {
        _target = target;
        _original = original;
    }

    /// <summary>The number of mutants of which the sample was drawn.</summary>
    public int Candidates { get; private set; }

    /// <summary>How many mutants were drawn and left out because they do not compile.</summary>
    public int Invalid { get; private set; }

    /// <summary>The sample; the first mutant has number 1.</summary>
    public List<Mutant> Sample { get; } = [];

    /// <summary>Draws a sample of the mutants that compile. The same sources and seed give the same sample.</summary>
    public static MutatedProject Draw(MutationTarget target, int seed, int count)
    {
        var original = ProjectCompiler.Prepare(target.Project, new Dictionary<string, string>(StringComparer.Ordinal))
            .AddSyntaxTrees(CSharpSyntaxTree.ParseText(MutantSwitchSource.SwitchClass(0), ProjectCompiler.Language));
        var project = new MutatedProject(target, original);
        var candidates = project.MutatedTrees()
            .SelectMany(tree => MutantFinder.Find(RelativePath(tree), original.GetSemanticModel(tree)))
            .ToArray();
        project.Candidates = candidates.Length;
        new Random(seed).Shuffle(candidates);
        foreach (var candidate in candidates)
        {
            if (project.Sample.Count == count)
                break;
            if (project.Compiles(candidate))
                project.Sample.Add(candidate);
            else
                project.Invalid++;
        }

        return project;
    }

    /// <summary>Compiles the project with all mutants of the sample.</summary>
    public byte[] Emit()
    {
        var changed = Sample.Select(static (mutant, i) => (Number: i + 1, Mutant: mutant))
            .GroupBy(static m => m.Mutant.File)
            .ToDictionary(
                static g => Path.Combine(RepositoryRoot.FullPath, g.Key),
                static g => MutantSwitchSource.Apply(File.ReadAllText(Path.Combine(RepositoryRoot.FullPath, g.Key)), [.. g]),
                StringComparer.Ordinal);
        var compilation = ProjectCompiler.Prepare(_target.Project, changed)
            .AddSyntaxTrees(CSharpSyntaxTree.ParseText(MutantSwitchSource.SwitchClass(Sample.Count), ProjectCompiler.Language));
        using var image = new MemoryStream();
        var result = compilation.Emit(image);
        return result.Success
            ? image.ToArray()
            : throw new InvalidOperationException($"the sample does not compile:\n{string.Join('\n', ErrorsIn(result.Diagnostics))}");
    }

    /// <summary>A hash of the mutated sources: results of other sources are of other mutants.</summary>
    public string SourceHash()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var tree in MutatedTrees())
            hash.AppendData(Encoding.UTF8.GetBytes(tree.ToString()));
        return Convert.ToHexStringLower(hash.GetHashAndReset())[..8];
    }

    private IEnumerable<SyntaxTree> MutatedTrees()
    {
        var project = Path.Combine(RepositoryRoot.FullPath, "src", _target.Project);
        return _original.SyntaxTrees
            .Where(tree => tree.FilePath.StartsWith(project + "/", StringComparison.Ordinal))
            .Where(tree => IsMutated(Path.GetRelativePath(project, tree.FilePath)))
            .OrderBy(static tree => tree.FilePath, StringComparer.Ordinal);
    }

    private bool IsMutated(string path) =>
        _target.Folders.Any(folder => folder.Length == 0 || path.StartsWith(folder + "/", StringComparison.Ordinal))
        && !_target.Excluded.Any(excluded => path == excluded || path.StartsWith(excluded + "/", StringComparison.Ordinal));

    private static string RelativePath(SyntaxTree tree) => Path.GetRelativePath(RepositoryRoot.FullPath, tree.FilePath);

    private bool Compiles(Mutant mutant)
    {
        var path = Path.Combine(RepositoryRoot.FullPath, mutant.File);
        var tree = _original.SyntaxTrees.Single(t => t.FilePath == path);
        var text = MutantSwitchSource.Apply(tree.ToString(), [(1, mutant)]);
        var changed = CSharpSyntaxTree.ParseText(text, ProjectCompiler.Language, tree.FilePath);
        return !ErrorsIn(_original.ReplaceSyntaxTree(tree, changed).GetSemanticModel(changed).GetDiagnostics()).Any();
    }

    private static IEnumerable<Diagnostic> ErrorsIn(IEnumerable<Diagnostic> diagnostics) =>
        diagnostics.Where(static d => d.Severity == DiagnosticSeverity.Error);
}

using System.Globalization;
using System.Reflection;
using CsCheck;
using Quorate.PlantedBugs.Build;
using Quorate.Raft;
using Xunit;
using Xunit.Sdk;
using Xunit.v3;

namespace Quorate.PlantedBugs.Detectors;

/// <summary>A test of one of the rooms, with all its cases: what no run of a whole cluster would show, or only by great luck.</summary>
/// <param name="Project">The room's tests.</param>
/// <param name="Class">The class, with its namespace.</param>
/// <param name="Method">The claim.</param>
/// <param name="ExpectedException">The exception that refutes the claim, where it is none of those that always do; or empty.</param>
internal sealed record TestDetector(string Project, string Class, string Method, string ExpectedException) : Detector
{
    private const string ThrowingPrefix = "throwing ";

    /// <summary>"Quorate.Node.Tests Wal.PowerCuts.A_cut_…", and perhaps "throwing WalDamageException".</summary>
    public static TestDetector ParseTest(string label, string throws)
    {
        var (space, dot) = (label.IndexOf(' ', StringComparison.Ordinal), label.LastIndexOf('.'));
        return new TestDetector(
            label[..space], $"{label[..space]}.{label[(space + 1)..dot]}", label[(dot + 1)..], throws.StartsWith(ThrowingPrefix, StringComparison.Ordinal) ? throws[ThrowingPrefix.Length..] : "");
    }

    public override Detection? Run(PatchedBuild building)
    {
        var claim = FindTest(building);
        var number = 0UL;
        foreach (var arguments in Cases(claim))
        {
            number++;
            if (FailureMessage(claim, arguments) is { } refuted)
                return new Detection(refuted, number, number == 1 ? "1 case" : $"{number} cases");
        }

        return null;
    }

    /// <summary>The same case, loaded as the museum loads it: a claim that fails there for a reason of its own would be refuted by every bug.</summary>
    public override string? RerunUnpatched(Detection found)
    {
        var claim = FindTest(PatchedBuild.Unpatched);
        return FailureMessage(claim, Cases(claim)[(int)found.Position - 1]);
    }

    public override string ToString() => $"{Project}: {Class[(Project.Length + 1)..]}.{Method}";

    private MethodInfo FindTest(PatchedBuild building) =>
        building.LoadProject(Project).GetType(Class, throwOnError: true)!.GetMethod(Method) ?? throw new PlantedBugException($"{Class} does not claim {Method}");

    /// <summary>In what words the claim is refuted, or null. Whatever else is thrown, and whatever the test needs before it begins, says nothing about the claim: that is thrown on.</summary>
    private string? FailureMessage(MethodInfo claim, object?[] arguments)
    {
        var test = Activator.CreateInstance(claim.DeclaringType!, BindingFlags.Instance | BindingFlags.Public | BindingFlags.DoNotWrapExceptions, null, null, null);
        try
        {
            if (claim.Invoke(test, BindingFlags.DoNotWrapExceptions, null, ConvertArguments(arguments, claim), null) is Task task)
                task.GetAwaiter().GetResult();
            return null;
        }
        catch (Exception thrown) when (FindFailure(thrown) is { } refuted)
        {
            return refuted.Message;
        }
        finally
        {
            (test as IDisposable)?.Dispose();
        }
    }

    /// <summary>An assertion, an invariant of the rooms, or what the exhibit says; a property's failure has it inside. The rooms' types are others in each building, so they are known by name.</summary>
    private Exception? FindFailure(Exception thrown) => thrown switch
    {
        CsCheckException { InnerException: { } inner } => FindFailure(inner),
        XunitException or CsCheckException => thrown,
        _ => thrown.GetType().Name is var name && (name == nameof(InvariantViolationException) || name == ExpectedException) ? thrown : null,
    };

    /// <summary>An attribute says 3 where the test takes a ulong.</summary>
    private static object?[] ConvertArguments(object?[] arguments, MethodInfo claim) =>
        [.. claim.GetParameters().Zip(arguments, static (parameter, value) =>
            value is IConvertible && !parameter.ParameterType.IsInstanceOfType(value) ? Convert.ChangeType(value, parameter.ParameterType, CultureInfo.InvariantCulture) : value)];

    private static List<object?[]> Cases(MethodInfo claim)
    {
        if (claim.GetParameters().Length == 0)
            return [[]];
        var cases = new List<object?[]>();
        foreach (var source in claim.GetCustomAttributes<DataAttribute>())
        {
            switch (source)
            {
                case InlineDataAttribute inline:
                    cases.Add(inline.Data);
                    break;
                case MemberDataAttribute member:
                    var rows = claim.DeclaringType!.GetMethod(member.MemberName)?.Invoke(null, member.Arguments) as IEnumerable<ITheoryDataRow>;
                    cases.AddRange((rows ?? []).Select(static row => row.GetData()));
                    break;
            }
        }

        return cases.Count > 0 ? cases : throw new PlantedBugException($"{claim.DeclaringType!.FullName}.{claim.Name} has no cases that the museum can read");
    }
}

using System.Globalization;
using System.Reflection;
using CsCheck;
using Quorate.PlantedBugs.Build;
using Quorate.Raft;
using Xunit;
using Xunit.Sdk;
using Xunit.v3;

namespace Quorate.PlantedBugs.Detectors;

/// <summary>Runs one test method with all its cases, for bugs that a run of a whole cluster does not show, or shows too rarely.</summary>
/// <param name="Project">The test project.</param>
/// <param name="Class">The test class, with its namespace.</param>
/// <param name="Method">The test method.</param>
/// <param name="ExpectedException">Name of an exception type that also counts as a failure of this test, or an empty string.</param>
internal sealed record TestDetector(string Project, string Class, string Method, string ExpectedException) : Detector
{
    private const string ThrowingPrefix = "throwing ";

    /// <summary>
    /// Parses "Quorate.Node.Tests Wal.WalPowerLossTests.A_test_method" and optionally "throwing WalCorruptionException".
    /// </summary>
    public static TestDetector ParseTest(string label, string throws)
    {
        var (space, dot) = (label.IndexOf(' ', StringComparison.Ordinal), label.LastIndexOf('.'));
        var project = label[..space];
        var exception = throws.StartsWith(ThrowingPrefix, StringComparison.Ordinal) ? throws[ThrowingPrefix.Length..] : "";
        return new TestDetector(project, $"{project}.{label[(space + 1)..dot]}", label[(dot + 1)..], exception);
    }

    public override Detection? Run(PatchedBuild build)
    {
        var method = FindTest(build);
        var number = 0UL;
        foreach (var arguments in Cases(method))
        {
            number++;
            if (FailureMessage(method, arguments) is { } message)
                return new Detection(message, number, number == 1 ? "1 case" : $"{number} cases");
        }

        return null;
    }

    /// <summary>Runs the same case in an unpatched build of this program: a test that fails there would "detect" every bug.</summary>
    public override string? RerunUnpatched(Detection detection)
    {
        var method = FindTest(PatchedBuild.Unpatched);
        return FailureMessage(method, Cases(method)[(int)detection.Position - 1]);
    }

    public override string ToString() => $"{Project}: {Class[(Project.Length + 1)..]}.{Method}";

    private MethodInfo FindTest(PatchedBuild build)
    {
        // The test project reads the variable when its first test runs (test/TestEffort.cs). A sample of the test's cases may miss the bug.
        Environment.SetEnvironmentVariable("QUORATE_TEST_EFFORT", "full");
        return build.LoadProject(Project).GetType(Class, throwOnError: true)!.GetMethod(Method)
            ?? throw new PlantedBugException($"{Class} has no method {Method}: update the \"Detected by:\" field of the bug's file");
    }

    /// <summary>
    /// Runs one case. Returns its failure message, or null if it passes. Any other exception, and any exception of the test class's
    /// constructor, says nothing about the tested property and propagates.
    /// </summary>
    private string? FailureMessage(MethodInfo method, object?[] arguments)
    {
        const BindingFlags Flags = BindingFlags.Instance | BindingFlags.Public | BindingFlags.DoNotWrapExceptions;
        var test = Activator.CreateInstance(method.DeclaringType!, Flags, null, null, null);
        try
        {
            if (method.Invoke(test, BindingFlags.DoNotWrapExceptions, null, ConvertArguments(arguments, method), null) is Task task)
                task.GetAwaiter().GetResult();
            return null;
        }
        catch (Exception thrown) when (FindFailure(thrown) is { } failure)
        {
            return failure.Message;
        }
        finally
        {
            (test as IDisposable)?.Dispose();
        }
    }

    /// <summary>
    /// Returns the exception that counts as a failure: an assertion, a violated invariant, or the expected exception. The failure of a
    /// CsCheck property is its inner exception. Types of the projects differ between builds, so they are compared by name.
    /// </summary>
    private Exception? FindFailure(Exception thrown) => thrown switch
    {
        CsCheckException { InnerException: { } inner } => FindFailure(inner),
        XunitException or CsCheckException => thrown,
        _ => thrown.GetType().Name is var name && (name == nameof(InvariantViolationException) || name == ExpectedException)
            ? thrown
            : null,
    };

    /// <summary>
    /// Converts arguments of an attribute to the parameter types: an attribute holds the int 3 where the test takes a ulong.
    /// </summary>
    private static object?[] ConvertArguments(object?[] arguments, MethodInfo method) =>
        [.. method.GetParameters().Zip(arguments, static (parameter, value) =>
            value is IConvertible && !parameter.ParameterType.IsInstanceOfType(value)
                ? Convert.ChangeType(value, parameter.ParameterType, CultureInfo.InvariantCulture)
                : value)];

    private static List<object?[]> Cases(MethodInfo method)
    {
        if (method.GetParameters().Length == 0)
            return [[]];
        var cases = new List<object?[]>();
        foreach (var source in method.GetCustomAttributes<DataAttribute>())
        {
            switch (source)
            {
                case InlineDataAttribute inline:
                    cases.Add(inline.Data);
                    break;
                case MemberDataAttribute member:
                    var rows =
                        method.DeclaringType!.GetMethod(member.MemberName)?.Invoke(null, member.Arguments) as IEnumerable<ITheoryDataRow>;
                    cases.AddRange((rows ?? []).Select(static row => row.GetData()));
                    break;
            }
        }

        return cases.Count > 0
            ? cases
            : throw new PlantedBugException(
                $"{method.DeclaringType!.FullName}.{method.Name} has no cases that Quorate.PlantedBugs can read: "
                + "it supports InlineData, and MemberData of a method");
    }
}

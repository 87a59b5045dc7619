using System.Runtime.CompilerServices;
using System.Text.Json;
using Quorate.Verification.ModelChecking;
using Quorate.Verification.Specification;

namespace Quorate.Verification.Tests.Specification;

/// <summary>
/// CI checks the executable specification in C#; people read spec/QuorateRaft.tla, and TLC checks it. The two are compared by counting: in
/// each configuration both reach the same number of distinct states and the same depth.
/// </summary>
public sealed class SpecificationModelTests
{
    private static readonly JsonElement Expected = JsonDocument.Parse(File.ReadAllText(Path.Combine(SpecDirectory(), "expected.json")))
        .RootElement.GetProperty("configurations");

    public static TheoryData<string> Configurations => [.. Expected.EnumerateObject().Select(static c => c.Name)];

    [Theory]
    [MemberData(nameof(Configurations))]
    public void The_specification_model_reaches_as_many_states_as_TLC(string configuration)
    {
        var found = BreadthFirstSearch.Run(ModelOf(configuration));

        Assert.Null(found.Counterexample);
        var expected = Expected.GetProperty(configuration);
        Assert.Equal((expected.GetProperty("distinct").GetInt32(), expected.GetProperty("depth").GetInt32()),
            (found.Distinct, found.Depth));
    }

    /// <summary>An action that no configuration takes would not be checked at all.</summary>
    [Fact]
    public void Every_specification_action_is_taken_in_some_configuration()
    {
        var taken = new HashSet<SpecActionName>();
        foreach (var configuration in Configurations)
        {
            var model = ModelOf(configuration.Data);
            BreadthFirstSearch.Run(model, distinctMax: 10_000);
            taken.UnionWith(model.ActionCounts.Keys);
        }

        Assert.Empty(Enum.GetValues<SpecActionName>().Except(taken));
    }

    /// <summary>A configuration that expected.json lacks would never run.</summary>
    [Fact]
    public void Every_TLC_configuration_has_expected_counts() =>
        Assert.Equal(
            Directory.EnumerateFiles(SpecDirectory(), "MC*.cfg").Select(static file => Path.GetFileNameWithoutExtension(file))
                .Order(StringComparer.Ordinal),
            Expected.EnumerateObject().Select(static c => c.Name).Order(StringComparer.Ordinal));

    private static SpecificationModel ModelOf(string configuration) =>
        new(TlcConfiguration.Read(File.ReadAllText(Path.Combine(SpecDirectory(), $"{configuration}.cfg"))));

    internal static string SpecDirectory([CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "..", "spec"));
}

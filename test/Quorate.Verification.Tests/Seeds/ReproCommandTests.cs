using System.Reflection;

namespace Quorate.Verification.Tests.Seeds;

/// <summary>The command in a failure message contains everything that decides the run: it reproduces the same violation.</summary>
public sealed class ReproCommandTests
{
    private const string FullRun = "--seed 7";
    private const string ReducedRun =
        "--seed 7 --members 3 --fault-phase 2000000 --without loss,drift --injections kill.1 --iterations 0.0@100,1.2@200";

    /// <summary>
    /// Each run checks an extra property that only runs with these switches check, as a stand-in for the properties that are checked only
    /// with a switch.
    /// </summary>
    [Theory]
    [InlineData(FullRun)]
    [InlineData(FullRun + " --refine")]
    [InlineData(FullRun + " --check-determinism")]
    [InlineData(FullRun + " --refine --check-determinism")]
    [InlineData(ReducedRun)]
    [InlineData(ReducedRun + " --refine")]
    public void The_printed_command_reproduces_the_violation(string arguments)
    {
        var first = RunToFailure(Parse(arguments));

        var printed = Assert.Single(first.Message.Split('\n'),
            static line => line.StartsWith("reproduce with: ", StringComparison.Ordinal))["reproduce with: ".Length..];
        Assert.Equal($"{SimulatorCommandLine.Program} {arguments} --trace", printed);

        var again = RunToFailure(Parse(printed[SimulatorCommandLine.Program.Length..]));
        Assert.Equal((first.Property, first.Violation, first.At), (again.Property, again.Violation, again.At));
    }

    [Fact]
    public void A_failure_message_names_the_built_commit()
    {
        var version = typeof(KvSimulation).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;
        Assert.Matches(@"^\d+\.\d+\.\d+\+[0-9a-f]{40}(-dirty)?$", version);

        Assert.StartsWith($"seed 7 at commit {version[(version.IndexOf('+', StringComparison.Ordinal) + 1)..]}, after ",
            RunToFailure(Parse(FullRun)).Message, StringComparison.Ordinal);
    }

    private static SimulatorCommandLine Parse(string arguments)
    {
        var words = new Queue<string>(arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries).Where(static word => word != "--trace"));
        var command = new SimulatorCommandLine();
        while (words.Count > 0)
            Assert.True(SimulatorCommandLine.TryParseNext(command, words, out command),
                $"no option of the simulator parses an argument of {arguments}");
        return command;
    }

    /// <summary>
    /// Runs the command with an extra property that is violated, named for the switches of the run. A determinism check compares with the
    /// run of another seed.
    /// </summary>
    private static SimulationFailedException RunToFailure(SimulatorCommandLine command)
    {
        var seed = command.Seed!.Value;
        var property = $"Property of {command.Refine} and {command.Reduction}";
        var lines = 0;
        var options = command.Options with { OnEvent = _ => Require(++lines < 10, property) };
        if (command.CheckDeterminism)
        {
            var record = new DeterminismRecord();
            KvSimulation.Run(seed + 1, command.Options with { DeterminismRecord = record });
            record.StartSecondRun();
            options = command.Options with { DeterminismRecord = record };
        }

        return Assert.Throws<SimulationFailedException>(() => KvSimulation.Run(seed, options));
    }

    private static void Require(bool holds, string property)
    {
        if (!holds)
            throw new ViolationException(property, "violated by the test");
    }
}

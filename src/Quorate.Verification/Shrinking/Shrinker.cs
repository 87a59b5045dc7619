namespace Quorate.Verification.Shrinking;

/// <summary>Makes a failing run small: fewest faults, hardships, clients, turns and members with which the same promise is still broken.</summary>
/// <remarks>It only ever runs the same seed again with less of it, and keeps what still fails in the same way. What it ends with can be replayed and told like any run.</remarks>
public static class Shrinker
{
    /// <summary>Shrinks a failure.</summary>
    /// <param name="failure">What the whole run ended with.</param>
    /// <param name="run">Runs its seed again.</param>
    /// <param name="onProgress">Told of each step that made it smaller.</param>
    /// <param name="runsMax">How often it may be run at the most.</param>
    public static ShrunkRun Shrink(
        SimulationFailedException failure, Func<RunOptions, SimulationReport> run, Action<string>? onProgress = null, int runsMax = 3000)
    {
        ArgumentNullException.ThrowIfNull(failure);
        ArgumentNullException.ThrowIfNull(run);
        var search = new Search(failure, run, onProgress, runsMax);
        search.Run();
        return new ShrunkRun(search.Failure, failure.Size, search.Failure.Size, search.Runs);
    }

    private sealed class Search(SimulationFailedException original, Func<RunOptions, SimulationReport> run, Action<string>? onProgress, int runsMax)
    {
        /// <summary>The smallest failure so far.</summary>
        public SimulationFailedException Failure { get; private set; } = original;

        public int Runs { get; private set; }

        private Reduction Best => Failure.Reduction;

        public void Run()
        {
            // From here on everything is said explicitly, or what is taken away would be made up for by something that did not happen before. A little more
            // time than the failure took: with less to do it may come later.
            var until = Failure.IsInLivenessPhase ? Best.Until : (Failure.At * 5 / 4) + 500_000;
            if (!Fails(Best with { FaultInjections = Failure.FaultInjections, ClientIterations = Failure.ClientIterations, Until = until }, "as it was"))
                return;

            (int, int, int, int) before;
            do
            {
                before = Sizes();
                RemoveMembers();
                DisableFaults();
                RemoveFaultInjections();
                RemoveClientIterations();
            }
            while (Sizes() != before && Runs < runsMax);

            if (Failure.IsInLivenessPhase)
                ShortenFaultPhase();

            // What was kept and no longer comes to pass, because the run ends before, need not be said.
            Fails(Best with { FaultInjections = Failure.FaultInjections, ClientIterations = Failure.ClientIterations, Until = Failure.IsInLivenessPhase ? Best.Until : Failure.At }, "up to the failure");
        }

        private (int Members, int Calm, int Strikes, int Turns) Sizes() => (Failure.Size.Members, Best.DisabledFaults.Count, Failure.FaultInjections.Count, Failure.ClientIterations.Count);

        private void RemoveMembers()
        {
            for (var members = 1; members < Failure.Size.Members; members++)
            {
                if (Fails(Best with { Members = members }, $"{members} members"))
                    return;
            }
        }

        private void DisableFaults() => DeltaDebugging.Minimize(
            [.. Reduction.DisableableFaults.Except(Best.DisabledFaults)],
            enabled => Fails(Best with { DisabledFaults = [.. Reduction.DisableableFaults.Except(enabled)] }, $"{enabled.Count} hardships"));

        private void RemoveFaultInjections() => DeltaDebugging.Minimize(Failure.FaultInjections, injections => Fails(Best with { FaultInjections = injections }, $"{injections.Count} strikes"));

        private void RemoveClientIterations()
        {
            var clients = Failure.ClientIterations.Select(static t => t.Client).Distinct().ToList();
            DeltaDebugging.Minimize(clients, kept => Fails(Best with { ClientIterations = [.. Failure.ClientIterations.Where(t => kept.Contains(t.Client))] }, $"{kept.Count} clients"));
            DeltaDebugging.Minimize(Failure.ClientIterations, iterations => Fails(Best with { ClientIterations = iterations }, $"{iterations.Count} turns"));
        }

        private void ShortenFaultPhase()
        {
            for (var (shortest, life) = (0L, Failure.FaultPhaseDuration); life - shortest > 200_000;)
            {
                var middle = (shortest + life) / 2;
                if (Fails(Best with { FaultPhaseDuration = middle }, $"a life of {middle / 1e6:0.0} s"))
                    life = middle;
                else
                    shortest = middle;
            }
        }

        private bool Fails(Reduction reduction, string description)
        {
            if (Runs >= runsMax)
                return false;
            Runs++;
            try
            {
                run(new RunOptions { Reduction = reduction });
                return false;
            }
            catch (SimulationFailedException failure) when (failure.Property == Failure.Property)
            {
                Failure = failure;
                onProgress?.Invoke($"{Runs,5} {description}: {failure.Size}");
                return true;
            }
            catch (SimulationFailedException)
            {
                // Another promise: another failure, which may be the next one to look at. This one is not lost for it.
                return false;
            }
        }
    }
}

/// <summary>What shrinking came to.</summary>
/// <param name="Failure">The smallest failure that was found; its text has the command that shows it.</param>
/// <param name="Before">How large the run was.</param>
/// <param name="After">How large it is.</param>
/// <param name="Runs">How many runs it took.</param>
public sealed record ShrunkRun(SimulationFailedException Failure, RunSize Before, RunSize After, int Runs);

/// <summary>How much there is to read in a run.</summary>
/// <param name="Members">Members of the cluster.</param>
/// <param name="Clients">Clients that did something.</param>
/// <param name="ClientIterations">How often they did.</param>
/// <param name="FaultInjections">Strikes of faults.</param>
/// <param name="Seconds">Virtual seconds.</param>
/// <param name="Events">Things that happened.</param>
public sealed record RunSize(int Members, int Clients, int ClientIterations, int FaultInjections, double Seconds, long Events)
{
    /// <inheritdoc/>
    public override string ToString() =>
        FormattableString.Invariant($"{Members} members, {Clients} clients, {ClientIterations} turns, {FaultInjections} strikes, {Seconds:0.000} s, {Events} events");
}

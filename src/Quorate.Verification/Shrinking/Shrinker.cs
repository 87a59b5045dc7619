namespace Quorate.Verification.Shrinking;

/// <summary>
/// Shrinks a failing run: searches for the fewest fault injections, continuous faults, clients, client iterations and members with which
/// the same property is still violated.
/// </summary>
/// <remarks>
/// It repeats the same seed with less and less of it, and keeps every reduction that violates the same property. The result can be replayed
/// and traced like any run.
/// </remarks>
public static class Shrinker
{
    /// <summary>Shrinks a failure.</summary>
    /// <param name="failure">The failure of the whole run.</param>
    /// <param name="run">Runs the seed of the failure with other options.</param>
    /// <param name="onProgress">Receives a line for each reduction that still fails.</param>
    /// <param name="runsMax">Maximum number of runs.</param>
    public static ShrunkRun Shrink(
        SimulationFailedException failure, Func<RunOptions, SimulationReport> run, Action<string>? onProgress = null, int runsMax = 3000)
    {
        ArgumentNullException.ThrowIfNull(failure);
        ArgumentNullException.ThrowIfNull(run);
        var search = new ShrinkSearch(failure, run, onProgress, runsMax);
        search.Run();
        return new ShrunkRun(search.Failure, failure.Size, search.Failure.Size, search.Runs);
    }

    private sealed class ShrinkSearch(
        SimulationFailedException original, Func<RunOptions, SimulationReport> run, Action<string>? onProgress, int runsMax)
    {
        /// <summary>The smallest failure so far.</summary>
        public SimulationFailedException Failure { get; private set; } = original;

        public int Runs { get; private set; }

        private RunReduction Best => Failure.Reduction;

        public void Run()
        {
            // From here on the reduction lists every injection and iteration. Otherwise a removed one would be replaced by one that did not
            // take place before. The run may take a little longer than the failure did: with fewer events it may fail later.
            var until = Failure.IsInLivenessPhase ? Best.Until : (Failure.At * 5 / 4) + 500_000;
            var all = Best with { FaultInjections = Failure.FaultInjections, ClientIterations = Failure.ClientIterations, Until = until };
            if (!Fails(all, "unchanged"))
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

            // Items that were kept but lie after the end of the run are removed from the command.
            var end = Failure.IsInLivenessPhase ? Best.Until : Failure.At;
            Fails(
                Best with { FaultInjections = Failure.FaultInjections, ClientIterations = Failure.ClientIterations, Until = end },
                "up to the failure");
        }

        private (int Members, int DisabledFaults, int FaultInjections, int ClientIterations) Sizes() =>
            (Failure.Size.Members, Best.DisabledFaults.Count, Failure.FaultInjections.Count, Failure.ClientIterations.Count);

        private void RemoveMembers()
        {
            for (var members = 1; members < Failure.Size.Members; members++)
            {
                if (Fails(Best with { Members = members }, $"{members} members"))
                    return;
            }
        }

        private void DisableFaults() => DeltaDebugging.Minimize(
            [.. RunReduction.DisableableFaults.Except(Best.DisabledFaults)],
            enabled => Fails(
                Best with { DisabledFaults = [.. RunReduction.DisableableFaults.Except(enabled)] }, $"{enabled.Count} continuous faults"));

        private void RemoveFaultInjections() => DeltaDebugging.Minimize(
            Failure.FaultInjections,
            injections => Fails(Best with { FaultInjections = injections }, $"{injections.Count} fault injections"));

        private void RemoveClientIterations()
        {
            var clients = Failure.ClientIterations.Select(static t => t.Client).Distinct().ToList();
            DeltaDebugging.Minimize(clients, kept => Fails(
                Best with { ClientIterations = [.. Failure.ClientIterations.Where(t => kept.Contains(t.Client))] },
                $"{kept.Count} clients"));
            DeltaDebugging.Minimize(
                Failure.ClientIterations,
                iterations => Fails(Best with { ClientIterations = iterations }, $"{iterations.Count} client iterations"));
        }

        private void ShortenFaultPhase()
        {
            for (var (shortest, duration) = (0L, Failure.FaultPhaseDuration); duration - shortest > 200_000;)
            {
                var middle = (shortest + duration) / 2;
                if (Fails(Best with { FaultPhaseDuration = middle }, $"a fault phase of {middle / 1e6:0.0} s"))
                    duration = middle;
                else
                    shortest = middle;
            }
        }

        private bool Fails(RunReduction reduction, string description)
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
                // Another property is violated: another failure, which may be investigated next. This search keeps to its own.
                return false;
            }
        }
    }
}

/// <summary>Result of shrinking a failure.</summary>
/// <param name="Failure">The smallest failure that was found; its message has the command that reproduces it.</param>
/// <param name="Before">Size of the original run.</param>
/// <param name="After">Size of the smallest run.</param>
/// <param name="Runs">Number of runs of the search.</param>
public sealed record ShrunkRun(SimulationFailedException Failure, RunSize Before, RunSize After, int Runs);

/// <summary>Size of a run.</summary>
/// <param name="Members">Number of members of the cluster.</param>
/// <param name="Clients">Number of clients with at least one iteration.</param>
/// <param name="ClientIterations">Number of client iterations.</param>
/// <param name="FaultInjections">Number of fault injections.</param>
/// <param name="Seconds">Virtual duration in seconds.</param>
/// <param name="Events">Number of simulated events.</param>
public sealed record RunSize(int Members, int Clients, int ClientIterations, int FaultInjections, double Seconds, long Events)
{
    /// <inheritdoc/>
    public override string ToString() =>
        FormattableString.Invariant(
            $"{Members} members, {Clients} clients, {ClientIterations} client iterations, {FaultInjections} fault injections, ")
        + FormattableString.Invariant($"{Seconds:0.000} s, {Events} events");
}

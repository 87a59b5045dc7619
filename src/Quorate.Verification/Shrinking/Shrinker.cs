namespace Quorate.Verification.Shrinking;

/// <summary>Makes a failing run small: fewest faults, hardships, clients, turns and members with which the same promise is still broken.</summary>
/// <remarks>It only ever runs the same seed again with less of it, and keeps what still fails in the same way. What it ends with can be replayed and told like any run.</remarks>
public static class Shrinker
{
    /// <summary>Shrinks a failure.</summary>
    /// <param name="failure">What the whole run ended with.</param>
    /// <param name="run">Runs its seed again.</param>
    /// <param name="tell">Told of each step that made it smaller.</param>
    /// <param name="runsMax">How often it may be run at the most.</param>
    public static ShrunkRun Shrink(
        SimulationFailedException failure, Func<SimulationOptions, SimulationReport> run, Action<string>? tell = null, int runsMax = 3000)
    {
        ArgumentNullException.ThrowIfNull(failure);
        ArgumentNullException.ThrowIfNull(run);
        var search = new Search(failure, run, tell, runsMax);
        search.MakeSmall();
        return new ShrunkRun(search.Failure, failure.Size, search.Failure.Size, search.Runs);
    }

    private sealed class Search(SimulationFailedException whole, Func<SimulationOptions, SimulationReport> run, Action<string>? tell, int runsMax)
    {
        /// <summary>The smallest failure so far.</summary>
        public SimulationFailedException Failure { get; private set; } = whole;

        public int Runs { get; private set; }

        private Reduction Best => Failure.Reduction;

        public void MakeSmall()
        {
            // From here on everything is said explicitly, or what is taken away would be made up for by something that did not happen before. A little more
            // time than the failure took: with less to do it may come later.
            var until = Failure.IsQuiet ? Best.Until : (Failure.At * 5 / 4) + 500_000;
            if (!Fails(Best with { Strikes = Failure.Strikes, Turns = Failure.Turns, Until = until }, "as it was"))
                return;

            (int, int, int, int) before;
            do
            {
                before = Sizes();
                WithFewerMembers();
                WithLessHardship();
                WithFewerStrikes();
                WithFewerTurns();
            }
            while (Sizes() != before && Runs < runsMax);

            if (Failure.IsQuiet)
                WithAShorterLife();

            // What was kept and no longer comes to pass, because the run ends before, need not be said.
            Fails(Best with { Strikes = Failure.Strikes, Turns = Failure.Turns, Until = Failure.IsQuiet ? Best.Until : Failure.At }, "up to the failure");
        }

        private (int Members, int Calm, int Strikes, int Turns) Sizes() => (Failure.Size.Members, Best.Calm.Count, Failure.Strikes.Count, Failure.Turns.Count);

        private void WithFewerMembers()
        {
            for (var members = 1; members < Failure.Size.Members; members++)
            {
                if (Fails(Best with { Members = members }, $"{members} members"))
                    return;
            }
        }

        private void WithLessHardship() => DeltaDebugging.Minimize(
            [.. Reduction.Calms.Except(Best.Calm)],
            hardships => Fails(Best with { Calm = [.. Reduction.Calms.Except(hardships)] }, $"{hardships.Count} hardships"));

        private void WithFewerStrikes() => DeltaDebugging.Minimize(Failure.Strikes, strikes => Fails(Best with { Strikes = strikes }, $"{strikes.Count} strikes"));

        private void WithFewerTurns()
        {
            var clients = Failure.Turns.Select(static t => t.Client).Distinct().ToList();
            DeltaDebugging.Minimize(clients, some => Fails(Best with { Turns = [.. Failure.Turns.Where(t => some.Contains(t.Client))] }, $"{some.Count} clients"));
            DeltaDebugging.Minimize(Failure.Turns, turns => Fails(Best with { Turns = turns }, $"{turns.Count} turns"));
        }

        private void WithAShorterLife()
        {
            for (var (shortest, life) = (0L, Failure.Life); life - shortest > 200_000;)
            {
                var middle = (shortest + life) / 2;
                if (Fails(Best with { Life = middle }, $"a life of {middle / 1e6:0.0} s"))
                    life = middle;
                else
                    shortest = middle;
            }
        }

        private bool Fails(Reduction reduction, string what)
        {
            if (Runs >= runsMax)
                return false;
            Runs++;
            try
            {
                run(new SimulationOptions { Reduction = reduction });
                return false;
            }
            catch (SimulationFailedException failure) when (failure.Promise == Failure.Promise)
            {
                Failure = failure;
                tell?.Invoke($"{Runs,5} {what}: {failure.Size}");
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
/// <param name="Turns">How often they did.</param>
/// <param name="Strikes">Strikes of faults.</param>
/// <param name="Seconds">Virtual seconds.</param>
/// <param name="Events">Things that happened.</param>
public sealed record RunSize(int Members, int Clients, int Turns, int Strikes, double Seconds, long Events)
{
    /// <inheritdoc/>
    public override string ToString() =>
        FormattableString.Invariant($"{Members} members, {Clients} clients, {Turns} turns, {Strikes} strikes, {Seconds:0.000} s, {Events} events");
}

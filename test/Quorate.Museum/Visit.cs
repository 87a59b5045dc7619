using Quorate.Museum.Catchers;
using Quorate.Museum.Rooms;

namespace Quorate.Museum;

/// <summary>What came of hanging one exhibit.</summary>
/// <param name="Exhibit">The exhibit.</param>
/// <param name="Catcher">Who looked.</param>
/// <param name="Found">What was found, or null.</param>
/// <param name="Fault">Why the visit is a failure, or null.</param>
/// <param name="Seconds">Processor time: all of the program's meanwhile, so it says something when one visit is made at a time.</param>
internal sealed record Visit(Exhibit Exhibit, Catcher Catcher, Finding? Found, string? Fault, double Seconds)
{
    /// <summary>Hangs the exhibit, lets a catcher look, and, if it found something, makes sure that it is the exhibit that was seen.</summary>
    public static Visit To(Exhibit exhibit, Catcher catcher)
    {
        var began = Environment.CpuUsage.TotalTime;
        double Seconds() => (Environment.CpuUsage.TotalTime - began).TotalSeconds;
        try
        {
            var (found, fault) = Hang(exhibit, catcher);
            return new Visit(exhibit, catcher, found, fault, Seconds());
        }
        catch (Exception broken)
        {
            // Whatever goes wrong with one exhibit is said of that one, and the others are visited all the same.
            return new Visit(exhibit, catcher, null, broken is MuseumException ? broken.Message : $"{exhibit.Name}: {broken}", Seconds());
        }
    }

    private static (Finding? Found, string? Fault) Hang(Exhibit exhibit, Catcher catcher)
    {
        var found = catcher.Look(Building.With(exhibit));
        if (found is null)
            return (null, $"{exhibit.Name} survives: {catcher} found nothing within its budget");
        if (catcher is not ClaimCatcher && exhibit.Breaks.Count > 0 && !exhibit.Breaks.Any(promise => found.What.Contains(promise, StringComparison.Ordinal)))
            return (found, $"{exhibit.Name} was caught, but not by what it breaks ({string.Join(", ", exhibit.Breaks)}): {found.What}");
        return (found, catcher.LookAgain(found) is { } still ? $"{exhibit.Name} was not what was seen: without it the same is found: {still}" : null);
    }
}

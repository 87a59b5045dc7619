namespace Quorate.Tests;

/// <summary>
/// How much the tests search: a sample by default, everything with <c>QUORATE_TEST_EFFORT=full</c>, which <c>eng/check.sh</c> and CI set.
/// </summary>
/// <remarks>
/// It scales only the number of random inputs, schedules, seeds and enumerated cases; each test asserts the same claim with either effort.
/// Each test project compiles this file. Planted bugs always run the full effort, because a sample may miss them.
/// </remarks>
internal static class TestEffort
{
    public const string Variable = "QUORATE_TEST_EFFORT";

    /// <summary>
    /// A sample takes one case in so many, which keeps the whole suite within a few minutes on two cores. An odd number, so that a stride
    /// over bytes still meets every position within a word and every bit that a test derives from the position.
    /// </summary>
    private const int Fraction = 7;

    public static bool IsFull { get; } = Environment.GetEnvironmentVariable(Variable) == "full";

    /// <summary>Skips a test case that has no smaller form.</summary>
    public static void RequireFullWhen(bool isLarge) => Assert.SkipWhen(isLarge && !IsFull, $"large: runs with {Variable}=full");

    /// <summary>The distance between two cases of an enumeration.</summary>
    public static int Stride => IsFull ? 1 : Fraction;

    /// <summary>The number of random cases to run, out of <paramref name="full"/>.</summary>
    public static int Of(int full) => IsFull ? full : Math.Max(1, full / Fraction);
}

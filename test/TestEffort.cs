namespace Quorate.Tests;

/// <summary>
/// How much the tests search: a sample by default, everything with <c>QUORATE_TEST_EFFORT=full</c>, which <c>eng/check.sh</c> and CI set.
/// </summary>
/// <remarks>
/// The effort changes only the number of random inputs, schedules, seeds and enumerated cases; each test asserts the same claim with
/// either effort. Each test project compiles this file. A test that is run to detect a planted bug always runs with full effort, because
/// a sample may miss the bug.
/// </remarks>
internal static class TestEffort
{
    public const string Variable = "QUORATE_TEST_EFFORT";

    /// <summary>
    /// A sample is every seventh case, which keeps the whole suite within a few minutes on two cores. The number is odd, so that a test
    /// that changes every seventh byte still covers every offset within a word, and every bit if it flips bit <c>offset % 8</c>.
    /// </summary>
    private const int Fraction = 7;

    public static bool IsFull { get; } = Environment.GetEnvironmentVariable(Variable) == "full";

    /// <summary>Skips a large test case that cannot be sampled, unless the effort is full.</summary>
    public static void RequireFullWhen(bool isLarge) => Assert.SkipWhen(isLarge && !IsFull, $"large: runs with {Variable}=full");

    /// <summary>The distance between two cases of an enumeration.</summary>
    public static int Stride => IsFull ? 1 : Fraction;

    /// <summary>The number of random cases to run, out of <paramref name="full"/>.</summary>
    public static int Of(int full) => IsFull ? full : Math.Max(1, full / Fraction);
}

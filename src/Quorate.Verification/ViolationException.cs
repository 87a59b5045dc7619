namespace Quorate.Verification;

/// <summary>A checked property does not hold.</summary>
internal sealed class ViolationException(string property, string detail) : Exception($"{property}: {detail}")
{
    public string Property { get; } = property;
}

namespace Quorate.Verification;

/// <summary>Something was promised and is not so.</summary>
internal sealed class ViolationException(string property, string detail) : Exception($"{property}: {detail}")
{
    public string Property { get; } = property;
}

using System.Globalization;

namespace Quorate.Verification.Linearizability;

/// <summary>One line of a history: what a client asked, when, and what came of it.</summary>
/// <remarks>
/// Shape: an operation without an answer, because its caller gave up or its server died, has never returned: it may have taken effect at any moment since it began, and may
/// still do so. One that was refused, and so took no effect, is no part of a history. Units: microseconds of one clock.
/// </remarks>
public sealed record Operation<TRequest, TResponse>
{
    /// <summary>Its number; no two have the same.</summary>
    public required ulong Number { get; init; }

    /// <summary>Who asked.</summary>
    public required int Client { get; init; }

    /// <summary>Where it was asked, in words: "member 2".</summary>
    public string Target { get; init; } = "";

    /// <summary>When it was asked.</summary>
    public required long Invoked { get; init; }

    /// <summary>When the answer came; null: never.</summary>
    public long? Returned { get; init; }

    /// <summary>What was asked.</summary>
    public required TRequest Request { get; init; }

    /// <summary>What was answered. Means nothing while it has not returned.</summary>
    public TResponse? Response { get; init; }

    /// <summary>It changes nothing.</summary>
    public bool IsRead { get; init; }

    /// <summary>Where it took effect, as the system itself says: the index of a write, and for a read that of the last write it saw. Null: nobody saw it take effect.</summary>
    public ulong? Index { get; init; }

    /// <summary>It was answered.</summary>
    public bool HasReturned => Returned is not null;

    /// <summary>Who asked what, where.</summary>
    public override string ToString() => $"{Request} [{Number}] by client {Client}{(Target.Length > 0 ? $" at {Target}" : "")}";

    /// <summary>The same, and when, and with what answer.</summary>
    internal string Describe<TState>(SequentialModel<TState, TRequest, TResponse> model) =>
        HasReturned ? $"{this}, {FormatSeconds(Invoked)} to {FormatSeconds(Returned!.Value)}, answered {model.Describe(Response)}" : $"{this}, from {FormatSeconds(Invoked)} on, never answered";

    internal static string FormatSeconds(long moment) => string.Create(CultureInfo.InvariantCulture, $"{moment / 1e6:0.000000} s");
}

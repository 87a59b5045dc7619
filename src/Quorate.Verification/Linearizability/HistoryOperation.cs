using System.Globalization;

namespace Quorate.Verification.Linearizability;

/// <summary>One operation of a history: a client's request, when it was invoked and returned, and its response.</summary>
/// <remarks>
/// Shape: an operation without a response, because its caller timed out or its server failed, is pending: it may have taken effect at any
/// time since its invocation, and may still do so. A rejected operation took no effect and is not part of a history. Units: microseconds of
/// one clock.
/// </remarks>
public sealed record HistoryOperation<TRequest, TResponse>
{
    /// <summary>Unique number of the operation.</summary>
    public required ulong Number { get; init; }

    /// <summary>The client that made the request.</summary>
    public required int Client { get; init; }

    /// <summary>Where the request was sent, as text: "member 2".</summary>
    public string Target { get; init; } = "";

    /// <summary>Time of the request.</summary>
    public required long Invoked { get; init; }

    /// <summary>Time of the response; null if there is none.</summary>
    public long? Returned { get; init; }

    /// <summary>The request.</summary>
    public required TRequest Request { get; init; }

    /// <summary>The response. Undefined while the operation is pending.</summary>
    public TResponse? Response { get; init; }

    /// <summary>Whether the operation does not change the state.</summary>
    public bool IsRead { get; init; }

    /// <summary>
    /// Where the operation took effect according to the system: the index of a write; for a read, the index of the last write it observed.
    /// Null if unknown.
    /// </summary>
    public ulong? Index { get; init; }

    /// <summary>Whether the operation has a response.</summary>
    public bool HasReturned => Returned is not null;

    /// <summary>The request, its number, the client, and where it was sent.</summary>
    public override string ToString() => $"{Request} [{Number}] by client {Client}{(Target.Length > 0 ? $" at {Target}" : "")}";

    /// <summary>As <see cref="ToString"/>, with the times and the response.</summary>
    internal string Describe<TState>(SequentialModel<TState, TRequest, TResponse> model) =>
        HasReturned
            ? $"{this}, {FormatSeconds(Invoked)} to {FormatSeconds(Returned!.Value)}, returned {model.Describe(Response)}"
            : $"{this}, from {FormatSeconds(Invoked)}, without a response";

    internal static string FormatSeconds(long moment) => string.Create(CultureInfo.InvariantCulture, $"{moment / 1e6:0.000000} s");
}

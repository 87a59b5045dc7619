namespace Quorate.Load.Http2;

/// <summary>What a connection needs of its user.</summary>
internal interface ICallHandler
{
    /// <summary>Sets the key and the value in the message of the next request.</summary>
    void Prepare(Span<byte> message);

    /// <summary>Receives the end of an operation; a null <paramref name="error"/> means success. The call is idle again.</summary>
    void OnCompleted(Call call, string? error);
}

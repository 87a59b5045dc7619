namespace Quorate.Server.Etcd;

/// <summary>Stands for a response that <see cref="LargeResponseWriter"/> has written: the framework serializes it to nothing.</summary>
internal static class SentResponse
{
    /// <summary>Returns the one instance of a response type that stands for any response already written.</summary>
    public static T Of<T>()
        where T : class, new() => Instance<T>.Value;

    /// <summary>Whether a response is the instance that <see cref="Of"/> returns.</summary>
    public static bool Is(object response) => response == (object)Instance<Protos.RangeResponse>.Value
        || response == (object)Instance<Protos.TxnResponse>.Value
        || response == (object)Instance<Protos.DeleteRangeResponse>.Value;

    private static class Instance<T>
        where T : class, new()
    {
        public static readonly T Value = new();
    }
}

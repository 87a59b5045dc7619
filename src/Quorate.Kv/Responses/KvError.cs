namespace Quorate.Kv;

/// <summary>Why a request was rejected, with etcd's error text: clients match on it.</summary>
/// <remarks>Shape: the instances below are the only ones; compare by reference. Source: etcd v3 API, rpctypes.</remarks>
public sealed class KvError
{
    private KvError(KvErrorKind kind, KvStatusCode code, string message)
    {
        Kind = kind;
        Code = code;
        Message = message;
    }

    /// <summary>The key is empty.</summary>
    public static KvError KeyNotProvided { get; } = Invalid(KvErrorKind.KeyNotProvided, "etcdserver: key is not provided");

    /// <summary>
    /// The value or lease of a key's previous version is to be kept and the key does not exist; or an operation of a transaction is empty.
    /// </summary>
    public static KvError KeyNotFound { get; } = Invalid(KvErrorKind.KeyNotFound, "etcdserver: key not found");

    /// <summary>The current value is to be kept, and a new one was provided.</summary>
    public static KvError ValueProvided { get; } = Invalid(KvErrorKind.ValueProvided, "etcdserver: value is provided");

    /// <summary>The current lease is to be kept, and a new one was provided.</summary>
    public static KvError LeaseProvided { get; } = Invalid(KvErrorKind.LeaseProvided, "etcdserver: lease is provided");

    /// <summary>A transaction has more comparisons or operations than <see cref="KvLimits.MaxTxnOps"/>.</summary>
    public static KvError TooManyOperations { get; } =
        Invalid(KvErrorKind.TooManyOperations, "etcdserver: too many operations in txn request");

    /// <summary>A transaction would write one key twice.</summary>
    public static KvError DuplicateKey { get; } = Invalid(KvErrorKind.DuplicateKey, "etcdserver: duplicate key given in txn request");

    /// <summary>Unknown sort order or target.</summary>
    public static KvError InvalidSortOption { get; } = Invalid(KvErrorKind.InvalidSortOption, "etcdserver: invalid sort option");

    /// <summary>Unknown comparison, or unknown target of one. etcd evaluates it as true; Quorate rejects it.</summary>
    public static KvError InvalidCompare { get; } = Invalid(KvErrorKind.InvalidCompare, "etcdserver: invalid compare option");

    /// <summary>The request is larger than <see cref="KvLimits.MaxRequestBytes"/>.</summary>
    public static KvError RequestTooLarge { get; } = Invalid(KvErrorKind.RequestTooLarge, "etcdserver: request is too large");

    /// <summary>The revision has been compacted.</summary>
    public static KvError Compacted { get; } =
        new(KvErrorKind.Compacted, KvStatusCode.OutOfRange, "etcdserver: mvcc: required revision has been compacted");

    /// <summary>The revision is in the future.</summary>
    public static KvError FutureRevision { get; } =
        new(KvErrorKind.FutureRevision, KvStatusCode.OutOfRange, "etcdserver: mvcc: required revision is a future revision");

    /// <summary>The lease does not exist.</summary>
    public static KvError LeaseNotFound { get; } =
        new(KvErrorKind.LeaseNotFound, KvStatusCode.NotFound, "etcdserver: requested lease not found");

    /// <summary>A lease with this id already exists.</summary>
    public static KvError LeaseExists { get; } =
        new(KvErrorKind.LeaseExists, KvStatusCode.FailedPrecondition, "etcdserver: lease already exists");

    /// <summary>The time to live of the lease exceeds <see cref="Lease.MaxTtlSeconds"/>.</summary>
    public static KvError LeaseTtlTooLarge { get; } =
        new(KvErrorKind.LeaseTtlTooLarge, KvStatusCode.OutOfRange, "etcdserver: too large lease TTL");

    /// <summary>
    /// The bytes of a committed entry are no command, so it had no effect. A client never receives it for a request, because a server
    /// decodes each command before it proposes it.
    /// </summary>
    public static KvError UndecodableCommand { get; } =
        Invalid(KvErrorKind.UndecodableCommand, "quorate: the command cannot be decoded");

    /// <summary>The store exceeds its quota.</summary>
    public static KvError NoSpace { get; } =
        new(KvErrorKind.NoSpace, KvStatusCode.ResourceExhausted, "etcdserver: mvcc: database space exceeded");

    /// <summary>The kind of the error, for a switch.</summary>
    public KvErrorKind Kind { get; }

    /// <summary>The gRPC status code of the response.</summary>
    public KvStatusCode Code { get; }

    /// <summary>The exact error text of the response.</summary>
    public string Message { get; }

    /// <summary>Returns the error text.</summary>
    public override string ToString() => Message;

    private static KvError Invalid(KvErrorKind kind, string message) => new(kind, KvStatusCode.InvalidArgument, message);
}

/// <summary>The kinds of <see cref="KvError"/>.</summary>
public enum KvErrorKind
{
    /// <summary>See <see cref="KvError.KeyNotProvided"/>.</summary>
    KeyNotProvided = 1,

    /// <summary>See <see cref="KvError.KeyNotFound"/>.</summary>
    KeyNotFound,

    /// <summary>See <see cref="KvError.ValueProvided"/>.</summary>
    ValueProvided,

    /// <summary>See <see cref="KvError.LeaseProvided"/>.</summary>
    LeaseProvided,

    /// <summary>See <see cref="KvError.TooManyOperations"/>.</summary>
    TooManyOperations,

    /// <summary>See <see cref="KvError.DuplicateKey"/>.</summary>
    DuplicateKey,

    /// <summary>See <see cref="KvError.InvalidSortOption"/>.</summary>
    InvalidSortOption,

    /// <summary>See <see cref="KvError.InvalidCompare"/>.</summary>
    InvalidCompare,

    /// <summary>See <see cref="KvError.RequestTooLarge"/>.</summary>
    RequestTooLarge,

    /// <summary>See <see cref="KvError.Compacted"/>.</summary>
    Compacted,

    /// <summary>See <see cref="KvError.FutureRevision"/>.</summary>
    FutureRevision,

    /// <summary>See <see cref="KvError.LeaseNotFound"/>.</summary>
    LeaseNotFound,

    /// <summary>See <see cref="KvError.NoSpace"/>.</summary>
    NoSpace,

    /// <summary>See <see cref="KvError.LeaseExists"/>.</summary>
    LeaseExists,

    /// <summary>See <see cref="KvError.LeaseTtlTooLarge"/>.</summary>
    LeaseTtlTooLarge,

    /// <summary>See <see cref="KvError.UndecodableCommand"/>.</summary>
    UndecodableCommand,
}

/// <summary>The gRPC status codes of the store's errors. The numbers are gRPC's.</summary>
public enum KvStatusCode
{
    /// <summary>INVALID_ARGUMENT.</summary>
    InvalidArgument = 3,

    /// <summary>NOT_FOUND.</summary>
    NotFound = 5,

    /// <summary>RESOURCE_EXHAUSTED.</summary>
    ResourceExhausted = 8,

    /// <summary>FAILED_PRECONDITION.</summary>
    FailedPrecondition = 9,

    /// <summary>OUT_OF_RANGE.</summary>
    OutOfRange = 11,
}

namespace Quorate.Kv;

/// <summary>Why a request was refused, in etcd's words: clients match on the text.</summary>
/// <remarks>Shape: the instances below are all there are; compare by reference. Source: etcd v3 API, rpctypes.</remarks>
public sealed class KvError
{
    private KvError(KvErrorKind kind, KvErrorCode code, string message)
    {
        Kind = kind;
        Code = code;
        Message = message;
    }

    /// <summary>The key is empty.</summary>
    public static KvError KeyNotProvided { get; } = Invalid(KvErrorKind.KeyNotProvided, "etcdserver: key is not provided");

    /// <summary>Something of a key's old version shall be kept and there is no such key; or an operation of a transaction says nothing.</summary>
    public static KvError KeyNotFound { get; } = Invalid(KvErrorKind.KeyNotFound, "etcdserver: key not found");

    /// <summary>The old value shall be kept, and a new one was given.</summary>
    public static KvError ValueProvided { get; } = Invalid(KvErrorKind.ValueProvided, "etcdserver: value is provided");

    /// <summary>The old lease shall be kept, and a new one was given.</summary>
    public static KvError LeaseProvided { get; } = Invalid(KvErrorKind.LeaseProvided, "etcdserver: lease is provided");

    /// <summary>A transaction has more comparisons or operations than <see cref="KvLimits.MaxTxnOps"/>.</summary>
    public static KvError TooManyOperations { get; } =
        Invalid(KvErrorKind.TooManyOperations, "etcdserver: too many operations in txn request");

    /// <summary>A transaction would write one key twice.</summary>
    public static KvError DuplicateKey { get; } = Invalid(KvErrorKind.DuplicateKey, "etcdserver: duplicate key given in txn request");

    /// <summary>Unknown sort order or target.</summary>
    public static KvError InvalidSortOption { get; } = Invalid(KvErrorKind.InvalidSortOption, "etcdserver: invalid sort option");

    /// <summary>Unknown comparison or target of a comparison. etcd would call it true; we do not guess.</summary>
    public static KvError InvalidCompare { get; } = Invalid(KvErrorKind.InvalidCompare, "etcdserver: invalid compare option");

    /// <summary>The request is larger than <see cref="KvLimits.MaxRequestBytes"/>.</summary>
    public static KvError RequestTooLarge { get; } = Invalid(KvErrorKind.RequestTooLarge, "etcdserver: request is too large");

    /// <summary>The revision was compacted away.</summary>
    public static KvError Compacted { get; } =
        new(KvErrorKind.Compacted, KvErrorCode.OutOfRange, "etcdserver: mvcc: required revision has been compacted");

    /// <summary>The revision has not happened yet.</summary>
    public static KvError FutureRevision { get; } =
        new(KvErrorKind.FutureRevision, KvErrorCode.OutOfRange, "etcdserver: mvcc: required revision is a future revision");

    /// <summary>There is no such lease.</summary>
    public static KvError LeaseNotFound { get; } =
        new(KvErrorKind.LeaseNotFound, KvErrorCode.NotFound, "etcdserver: requested lease not found");

    /// <summary>There is a lease of that name already.</summary>
    public static KvError LeaseExists { get; } =
        new(KvErrorKind.LeaseExists, KvErrorCode.FailedPrecondition, "etcdserver: lease already exists");

    /// <summary>A lease was asked for that would live longer than <see cref="Lease.MaxTtlSeconds"/>.</summary>
    public static KvError LeaseTtlTooLarge { get; } =
        new(KvErrorKind.LeaseTtlTooLarge, KvErrorCode.OutOfRange, "etcdserver: too large lease TTL");

    /// <summary>The store is larger than its quota.</summary>
    public static KvError NoSpace { get; } =
        new(KvErrorKind.NoSpace, KvErrorCode.ResourceExhausted, "etcdserver: mvcc: database space exceeded");

    /// <summary>Which one it is, for a switch.</summary>
    public KvErrorKind Kind { get; }

    /// <summary>The gRPC status code to answer with.</summary>
    public KvErrorCode Code { get; }

    /// <summary>The text to answer with, to the letter.</summary>
    public string Message { get; }

    /// <summary>The text.</summary>
    public override string ToString() => Message;

    private static KvError Invalid(KvErrorKind kind, string message) => new(kind, KvErrorCode.InvalidArgument, message);
}

/// <summary>Names the refusals of the store.</summary>
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
}

/// <summary>The gRPC status codes the store answers with. The numbers are gRPC's.</summary>
public enum KvErrorCode
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

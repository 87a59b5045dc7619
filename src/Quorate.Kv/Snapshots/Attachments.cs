using Quorate.Kv.Leases;
using Quorate.Kv.Tree;

namespace Quorate.Kv.Snapshots;

/// <summary>Collects which keys are attached to which lease while a snapshot is read, and builds their tree.</summary>
/// <remarks>
/// A snapshot does not contain the attachments: a key is attached to a lease exactly when its newest version names that lease.
/// </remarks>
internal sealed class Attachments
{
    private readonly List<byte[]> _attached = [];

    public void Add(long lease, ReadOnlySpan<byte> key) => _attached.Add(LeaseTable.AttachmentKey(lease, key));

    /// <summary>Returns the tree of attachments, or null if a key names a lease that is not one of <paramref name="leases"/>.</summary>
    public PageTree? Build(Page leases)
    {
        _attached.Sort(static (a, b) => a.AsSpan().SequenceCompareTo(b));
        var builder = PageTreeBuilder.ForRandomChanges(LeaseTable.PageBytes);
        ReadOnlySpan<byte> lease = default;
        foreach (var attachment in _attached)
        {
            var id = attachment.AsSpan(0, LeaseView.IdBytes);
            if (!id.SequenceEqual(lease) && !TreeReader.TryFind(leases, id, out _, out _))
                return null;
            lease = id;
            builder.Append(new NewTreeEntry(attachment, isCounted: true, default));
        }

        return builder.Build();
    }
}

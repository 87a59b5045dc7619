using Grpc.Core;
using Quorate.Kv;
using Quorate.Node;
using Quorate.Raft;
using Quorate.Server.Protos;
using Quorate.Server.Replication;
using Quorate.Server.Settings;
using Member = Quorate.Server.Protos.Member;

namespace Quorate.Server.Etcd;

/// <summary>Implements etcd's gRPC Cluster service: lists the members, and changes them.</summary>
/// <remarks>
/// A change is planned on this member's configuration, and proposed with the index of that configuration: if another one is in force, it is
/// planned again. Any member accepts a change and forwards it to the leader. Source: etcd's member RPCs and their error texts.
/// </remarks>
internal sealed class ClusterService(
    RequestExecutor executor, RaftNode<KvResult> node, MemberRegistry members, ResponseHeaderFactory headers, ServerSettings settings,
    TimeProvider time)
    : Cluster.ClusterBase
{
    /// <inheritdoc/>
    public override Task<MemberListResponse> MemberList(MemberListRequest request, ServerCallContext context) =>
        MemberListAsync(request, RequestContext.From(context)).AsTask();

    /// <inheritdoc/>
    public override Task<MemberAddResponse> MemberAdd(MemberAddRequest request, ServerCallContext context) =>
        MemberAddAsync(request, RequestContext.From(context)).AsTask();

    /// <inheritdoc/>
    public override Task<MemberRemoveResponse> MemberRemove(MemberRemoveRequest request, ServerCallContext context) =>
        MemberRemoveAsync(request, RequestContext.From(context)).AsTask();

    /// <inheritdoc/>
    public override Task<MemberUpdateResponse> MemberUpdate(MemberUpdateRequest request, ServerCallContext context) =>
        MemberUpdateAsync(request, RequestContext.From(context)).AsTask();

    /// <inheritdoc/>
    public override Task<MemberPromoteResponse> MemberPromote(MemberPromoteRequest request, ServerCallContext context) =>
        MemberPromoteAsync(request, RequestContext.From(context)).AsTask();

    /// <summary>Lists the members; the list is linearizable if the request requires it.</summary>
    public async ValueTask<MemberListResponse> MemberListAsync(MemberListRequest request, RequestContext context)
    {
        if (request.Linearizable)
            await executor.ReadBarrierAsync(context).ConfigureAwait(false);
        return new MemberListResponse { Header = headers.WithoutRevision(), Members = { members.List() } };
    }

    /// <summary>Adds a member.</summary>
    /// <remarks>
    /// A voter votes at once, unless the cluster could then lose its quorum before the new member is started: then it is added as a
    /// learner, which the leader makes a voter when it has caught up. So a cluster of one stays available while it grows.
    /// </remarks>
    public async ValueTask<MemberAddResponse> MemberAddAsync(MemberAddRequest request, RequestContext context)
    {
        var urls = MemberPeerUrls.Parse(request.PeerURLs) ?? throw EtcdErrors.BadMemberUrls();
        var id = EtcdIdCalculator.ComputeAddedMemberId(
            urls.Select(static url => url.Text), settings.ClusterToken, settings.ClusterId, time.GetUtcNow());
        var (address, data) = (MemberPeerUrls.AddressOf(urls), MemberPeerUrls.Format(urls));
        var isQuorumEndangered = false;
        var after = await ChangeAsync(
            context,
            configuration =>
            {
                RequireUnusedUrls(configuration, id, urls);
                if (request.IsLearner && CountLearners(configuration) >= settings.LearnersMax)
                    throw EtcdErrors.TooManyLearners();
                return request.IsLearner || isQuorumEndangered
                    ? MemberChange.AddLearner(id, address, data, promoteWhenReady: !request.IsLearner)
                    : MemberChange.AddVoter(id, address, data);
            },
            (configuration, reason) =>
            {
                if (reason != RejectReason.QuorumWouldBeLost || isQuorumEndangered || request.IsLearner)
                    return ErrorOf(configuration, reason, id);
                isQuorumEndangered = true;
                return null;
            }).ConfigureAwait(false);
        var response = new MemberAddResponse { Header = headers.WithoutRevision(), Members = { members.List(after) } };
        response.Member = response.Members.FirstOrDefault(member => member.ID == id.Value)
            ?? new Member { ID = id.Value, PeerURLs = { request.PeerURLs }, IsLearner = request.IsLearner };
        return response;
    }

    /// <summary>Removes a member.</summary>
    public async ValueTask<MemberRemoveResponse> MemberRemoveAsync(MemberRemoveRequest request, RequestContext context)
    {
        var id = new NodeId(request.ID);
        var after = await ChangeAsync(
            context,
            configuration =>
            {
                RequireMember(configuration, id);
                return MemberChange.Remove(id);
            },
            (configuration, reason) => ErrorOf(configuration, reason, id)).ConfigureAwait(false);
        return new MemberRemoveResponse { Header = headers.WithoutRevision(), Members = { members.List(after) } };
    }

    /// <summary>Replaces the peer URLs of a member. Its role stays as it is.</summary>
    public async ValueTask<MemberUpdateResponse> MemberUpdateAsync(MemberUpdateRequest request, RequestContext context)
    {
        var urls = MemberPeerUrls.Parse(request.PeerURLs) ?? throw EtcdErrors.BadMemberUrls();
        var id = new NodeId(request.ID);
        var after = await ChangeAsync(
            context,
            configuration =>
            {
                RequireMember(configuration, id);
                RequireUnusedUrls(configuration, id, urls);
                return MemberChange.Update(id, MemberPeerUrls.AddressOf(urls), MemberPeerUrls.Format(urls));
            },
            (configuration, reason) => ErrorOf(configuration, reason, id)).ConfigureAwait(false);
        return new MemberUpdateResponse { Header = headers.WithoutRevision(), Members = { members.List(after) } };
    }

    /// <summary>Makes a learner that has caught up a voter.</summary>
    public async ValueTask<MemberPromoteResponse> MemberPromoteAsync(MemberPromoteRequest request, RequestContext context)
    {
        var id = new NodeId(request.ID);
        var after = await ChangeAsync(
            context,
            configuration =>
            {
                RequireMember(configuration, id);
                return configuration.Learners.Contains(id) ? MemberChange.Promote(id) : throw EtcdErrors.MemberNotLearner();
            },
            (configuration, reason) => ErrorOf(configuration, reason, id)).ConfigureAwait(false);
        return new MemberPromoteResponse { Header = headers.WithoutRevision(), Members = { members.List(after) } };
    }

    /// <summary>Plans a change on the configuration in force and proposes it, until it is committed or refused for good.</summary>
    /// <param name="context">The call.</param>
    /// <param name="plan">Returns the change of a configuration, or throws the error of the request.</param>
    /// <param name="toError">Returns the error of a rejection; null: plan and propose again.</param>
    /// <returns>The configuration after the change.</returns>
    private async ValueTask<Configuration> ChangeAsync(
        RequestContext context, Func<Configuration, MemberChange> plan, Func<Configuration, RejectReason, RpcException?> toError)
    {
        var after = await executor.ChangeConfigurationAsync(context, async cancellation =>
        {
            var before = node.Configuration;
            var change = new ConfigurationChange { Changes = [plan(before.Configuration)], ExpectedIndex = before.Index };
            var result = await node.ChangeConfigurationAsync(change, cancellation).ConfigureAwait(false);
            return result is { Outcome: ProposalOutcome.Rejected, Reason: { } reason }
                && toError(before.Configuration, reason) is { } error ? throw error : result;
        }).ConfigureAwait(false);
        return after.Configuration;
    }

    private static void RequireMember(Configuration configuration, NodeId id)
    {
        if (!configuration.IsMember(id))
            throw EtcdErrors.MemberNotFound();
    }

    private void RequireUnusedUrls(Configuration configuration, NodeId id, IReadOnlyList<HttpUrl> urls)
    {
        var used = members.List(configuration).Where(member => member.ID != id.Value).SelectMany(static member => member.PeerURLs);
        if (used.Intersect(urls.Select(static url => url.Text), StringComparer.Ordinal).Any())
            throw EtcdErrors.PeerUrlsExist();
    }

    /// <summary>Counts the learners that stay learners until they are promoted by request.</summary>
    private static int CountLearners(Configuration configuration) =>
        configuration.Learners.Count(id => configuration.Find(id) is { PromoteWhenReady: false });

    /// <summary>Returns the error of a rejected change; null if the change is to be tried again.</summary>
    private static RpcException? ErrorOf(Configuration configuration, RejectReason reason, NodeId changed) => reason switch
    {
        RejectReason.MemberExists => EtcdErrors.MemberExists(),
        RejectReason.MemberNotFound => EtcdErrors.MemberNotFound(),
        RejectReason.AddressInUse => EtcdErrors.PeerUrlsExist(),
        RejectReason.NotALearner => EtcdErrors.MemberNotLearner(),
        RejectReason.LearnerNotReady => EtcdErrors.LearnerNotReady(),
        RejectReason.NoVoterLeft => EtcdErrors.NotEnoughStartedMembers(),

        // A voter that is bound to no data directory was never started.
        RejectReason.QuorumWouldBeLost =>
            configuration.Voters.Any(voter => voter != changed && !configuration.IsCounted(voter))
                ? EtcdErrors.NotEnoughStartedMembers()
                : EtcdErrors.Unhealthy(),
        RejectReason.TooManyMembers => EtcdErrors.TooManyMembers(),
        RejectReason.NotSupported => EtcdErrors.NotCapable(),
        _ => null,
    };
}

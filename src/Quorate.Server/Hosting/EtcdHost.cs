using System.Diagnostics.CodeAnalysis;
using Grpc.AspNetCore.Server.Model;
using Grpc.Core;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Quorate.Server.Etcd;
using Quorate.Server.Settings;

namespace Quorate.Server.Hosting;

/// <summary>
/// Builds the Kestrel host that serves etcd's API, without configuration files, environment variables or request logging.
/// </summary>
internal static class EtcdHost
{
    /// <summary>The time for the headers of one request, after the first bytes of the connection.</summary>
    private static readonly TimeSpan RequestHeadersTimeout = TimeSpan.FromSeconds(8);

    /// <summary>Builds a host on listeners that are already bound. It accepts connections once it is started.</summary>
    public static WebApplication Build(
        IReadOnlyList<ProtocolMux> listeners, EtcdServices services, RequestLimits limits, ILoggerFactory logs)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "quorate" });
        builder.Services.AddSingleton<ILoggerFactory>(new CallLogFilter(logs));
        builder.Services.AddSingleton<IConnectionListenerFactory, ProtocolListenerFactory>();
        builder.Services.AddRoutingCore();
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(kestrel => Configure(kestrel, listeners, limits));
        builder.Services.AddGrpc(grpc =>
        {
            grpc.MaxReceiveMessageSize = limits.MessageBytesMax;
            grpc.MaxSendMessageSize = null;
            grpc.EnableDetailedErrors = false;

            // GrpcRequestFilter answers calls that do not exist, with etcd's texts.
            grpc.IgnoreUnknownServices = true;
        })
        // A connection can have thousands of streams open, each with a part of a request.
        .AddServiceOptions<WatchService>(static watch => watch.MaxReceiveMessageSize = ReceiveBudget.LargeBytesMin)
        .AddServiceOptions<LeaseService>(static lease => lease.MaxReceiveMessageSize = ReceiveBudget.LargeBytesMin);
        builder.Services.RemoveAll(typeof(IServiceMethodProvider<>));
        var log = logs.CreateLogger("quorate");
        AddService(builder.Services, services.Kv, Protos.KV.BindService, limits.TxnOperationsMax, log);
        AddService(builder.Services, services.Lease, Protos.Lease.BindService, limits.TxnOperationsMax, log);
        AddService(builder.Services, services.Watch, Protos.Watch.BindService, limits.TxnOperationsMax, log);
        AddService(builder.Services, services.Cluster, Protos.Cluster.BindService, limits.TxnOperationsMax, log);
        AddService(builder.Services, services.Maintenance, Protos.Maintenance.BindService, limits.TxnOperationsMax, log);
        AddService(builder.Services, services.Health, Protos.Health.BindService, limits.TxnOperationsMax, log);
        builder.Services.Replace(ServiceDescriptor.Singleton<IHostLifetime, NullHostLifetime>());

        var app = builder.Build();
        app.Use(static next => context => StreamResetFilter.InvokeAsync(context, next));
        app.Use(next =>
        {
            var filter = new GrpcRequestFilter(next, services.Node, limits.MessageBytesMax, services.Budget);
            return context => GrpcRequestFilter.IsGrpcRequest(context.Request)
                ? filter.InvokeAsync(context)
                : services.WebAccess.HandleAsync(context, services.Http.HandleAsync);
        });
        app.MapGrpcService<KvService>();
        app.MapGrpcService<LeaseService>();
        app.MapGrpcService<WatchService>();
        app.MapGrpcService<ClusterService>();
        app.MapGrpcService<MaintenanceService>();
        app.MapGrpcService<HealthService>();
        return app;
    }

    private static void AddService<[DynamicallyAccessedMembers(GrpcServiceMethodProvider.Members)] TService>(
        IServiceCollection services, TService service, Action<ServiceBinderBase, TService> bind, int operationsMax,
        ILogger log)
        where TService : class
    {
        services.AddSingleton(service);
        services.AddSingleton<IServiceMethodProvider<TService>>(
            new GrpcServiceMethodProvider<TService>(binder => bind(binder, service), operationsMax, log));
    }

    private static void Configure(KestrelServerOptions kestrel, IReadOnlyList<ProtocolMux> listeners, RequestLimits limits)
    {
        kestrel.AddServerHeader = false;

        // A proxy that terminates TLS forwards the scheme https, and some clients send authorities that are no host.
        kestrel.AllowAlternateSchemes = true;
        kestrel.RequestHeaderEncodingSelector = RequestHeaderEncodings.Select;

        // GrpcRequestFilter and JsonGateway reject oversized messages with etcd's errors; this limit bounds bodies that they do not read.
        kestrel.Limits.MaxRequestBodySize = 4L * limits.MessageBytesMax;
        kestrel.Limits.RequestHeadersTimeout = RequestHeadersTimeout;
        // A body that is sent more slowly than this occupies its part of the budget for longer than any call waits.
        kestrel.Limits.MinRequestBodyDataRate = new MinDataRate(bytesPerSecond: 16 * 1024, gracePeriod: TimeSpan.FromSeconds(5));
        kestrel.Limits.Http2.MaxStreamsPerConnection = limits.StreamsPerConnectionMax;
        kestrel.Limits.Http2.KeepAlivePingDelay = limits.KeepAliveInterval;
        kestrel.Limits.Http2.KeepAlivePingTimeout = limits.KeepAliveTimeout;

        // What a connection can make the server hold of requests that nothing reads yet. A client often sends all its calls on one
        // connection, so that the connection window must hold a large request and others beside it.
        kestrel.Limits.Http2.InitialConnectionWindowSize = 2 * 1024 * 1024;
        kestrel.Limits.Http2.InitialStreamWindowSize = 512 * 1024;
        foreach (var listener in listeners)
        {
            kestrel.Listen(listener.Http1, listen => listen.Protocols = HttpProtocols.Http1);
            kestrel.Listen(listener.Http2, listen => listen.Protocols = HttpProtocols.Http2);
        }
    }

    /// <summary>A lifetime that handles no signals: the process handles them and stops the host.</summary>
    private sealed class NullHostLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}

using System.Diagnostics.CodeAnalysis;
using Google.Protobuf;
using Grpc.AspNetCore.Server.Model;
using Grpc.Core;

namespace Quorate.Server.Etcd;

/// <summary>Brings the calls of one service to the framework, each with a reader of requests that refuses bytes which are no protobuf in words.</summary>
/// <remarks>
/// Left alone, the framework takes what the parser throws for a fault of ours: the client hears <c>Unknown</c>, and the log gets a stack trace from
/// whoever sends noise. It would also find the calls by reflection; here they are handed over.
/// </remarks>
internal sealed class ServiceMethods<[DynamicallyAccessedMembers(ServiceMethods.Members)] TService>(Action<ServiceBinderBase> bind) : IServiceMethodProvider<TService>
    where TService : class
{
    /// <inheritdoc/>
    public void OnServiceMethodDiscovery(ServiceMethodProviderContext<TService> context) => bind(new Binder(context));

    /// <summary>The generated code names each call and who answers it, in the three shapes that etcd's services have.</summary>
    private sealed class Binder(ServiceMethodProviderContext<TService> context) : ServiceBinderBase
    {
        public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, UnaryServerMethod<TRequest, TResponse>? handler) =>
            context.AddUnaryMethod(WithErrorMapping(method), [], (_, request, call) => handler!(request, call));

        public override void AddMethod<TRequest, TResponse>(
            Method<TRequest, TResponse> method, ServerStreamingServerMethod<TRequest, TResponse>? handler) =>
            context.AddServerStreamingMethod(WithErrorMapping(method), [], (_, request, responses, call) => handler!(request, responses, call));

        public override void AddMethod<TRequest, TResponse>(
            Method<TRequest, TResponse> method, DuplexStreamingServerMethod<TRequest, TResponse>? handler) =>
            context.AddDuplexStreamingMethod(WithErrorMapping(method), [], (_, requests, responses, call) => handler!(requests, responses, call));

        private static Method<TRequest, TResponse> WithErrorMapping<TRequest, TResponse>(Method<TRequest, TResponse> method) => new(
            method.Type, method.ServiceName, method.Name, WithErrorMapping(method.RequestMarshaller), method.ResponseMarshaller);

        private static Marshaller<T> WithErrorMapping<T>(Marshaller<T> generated) => Marshallers.Create(
            generated.ContextualSerializer,
            bytes =>
            {
                try
                {
                    return generated.ContextualDeserializer(bytes);
                }
                catch (InvalidProtocolBufferException malformed)
                {
                    throw EtcdErrors.MalformedProtobuf(malformed.Message);
                }
            });
    }
}

/// <summary>What the framework wants kept of a service when the unused is cut away.</summary>
internal static class ServiceMethods
{
    public const DynamicallyAccessedMemberTypes Members =
        DynamicallyAccessedMemberTypes.PublicConstructors | DynamicallyAccessedMemberTypes.PublicMethods | DynamicallyAccessedMemberTypes.NonPublicMethods;
}

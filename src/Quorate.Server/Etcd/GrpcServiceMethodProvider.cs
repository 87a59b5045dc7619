using System.Diagnostics.CodeAnalysis;
using Google.Protobuf;
using Grpc.AspNetCore.Server.Model;
using Grpc.Core;

namespace Quorate.Server.Etcd;

/// <summary>
/// Registers the calls of one service with the framework, with a deserializer that maps malformed protobuf to a gRPC error.
/// </summary>
/// <remarks>
/// By default the framework treats a parser exception as a server error: the client receives <c>Unknown</c>, and every malformed request
/// logs a stack trace. The framework would also discover the calls by reflection; here they are registered explicitly.
/// </remarks>
internal sealed class GrpcServiceMethodProvider<[DynamicallyAccessedMembers(GrpcServiceMethodProvider.Members)] TService>(
    Action<ServiceBinderBase> bind)
    : IServiceMethodProvider<TService>
    where TService : class
{
    /// <inheritdoc/>
    public void OnServiceMethodDiscovery(ServiceMethodProviderContext<TService> context) => bind(new Binder(context));

    /// <summary>Receives each call and its handler from the generated code, in the three call types that etcd's services use.</summary>
    private sealed class Binder(ServiceMethodProviderContext<TService> context) : ServiceBinderBase
    {
        public override void AddMethod<TRequest, TResponse>(
            Method<TRequest, TResponse> method, UnaryServerMethod<TRequest, TResponse>? handler) =>
            context.AddUnaryMethod(WithErrorMapping(method), [], (_, request, call) => handler!(request, call));

        public override void AddMethod<TRequest, TResponse>(
            Method<TRequest, TResponse> method, ServerStreamingServerMethod<TRequest, TResponse>? handler) =>
            context.AddServerStreamingMethod(
                WithErrorMapping(method), [], (_, request, responses, call) => handler!(request, responses, call));

        public override void AddMethod<TRequest, TResponse>(
            Method<TRequest, TResponse> method, DuplexStreamingServerMethod<TRequest, TResponse>? handler) =>
            context.AddDuplexStreamingMethod(
                WithErrorMapping(method), [], (_, requests, responses, call) => handler!(requests, responses, call));

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

/// <summary>The members of a service that the framework needs preserved when the program is trimmed.</summary>
internal static class GrpcServiceMethodProvider
{
    public const DynamicallyAccessedMemberTypes Members =
        DynamicallyAccessedMemberTypes.PublicConstructors
        | DynamicallyAccessedMemberTypes.PublicMethods
        | DynamicallyAccessedMemberTypes.NonPublicMethods;
}

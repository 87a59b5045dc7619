using System.Diagnostics.CodeAnalysis;
using Grpc.AspNetCore.Server.Model;
using Grpc.Core;
using Quorate.Server.Hosting;

namespace Quorate.Server.Etcd;

/// <summary>
/// Registers the calls of one service with the framework, such that each ends with a status of its own and none with <c>Unknown</c>. Its
/// deserializer bounds the memory of what it parses; its serializer writes nothing for a response that was already sent.
/// </summary>
/// <remarks>
/// By default the framework treats every exception but <see cref="RpcException"/> as a server error: the client receives <c>Unknown</c>,
/// and every malformed request logs a stack trace. Here malformed protobuf is an error of the client, the exceptions of a call that its
/// client has ended are <c>Cancelled</c>, and an exception that nothing expects is logged once and <c>Internal</c>. The framework would
/// also discover the calls by reflection; here they are registered explicitly.
/// </remarks>
internal sealed class GrpcServiceMethodProvider<[DynamicallyAccessedMembers(GrpcServiceMethodProvider.Members)] TService>(
    Action<ServiceBinderBase> bind, int operationsMax, ILogger log)
    : IServiceMethodProvider<TService>
    where TService : class
{
    /// <inheritdoc/>
    public void OnServiceMethodDiscovery(ServiceMethodProviderContext<TService> context) =>
        bind(new Binder(context, operationsMax, log));

    /// <summary>Receives each call and its handler from the generated code, in the three call types that etcd's services use.</summary>
    private sealed class Binder(ServiceMethodProviderContext<TService> context, int operationsMax, ILogger log) : ServiceBinderBase
    {
        public override void AddMethod<TRequest, TResponse>(
            Method<TRequest, TResponse> method, UnaryServerMethod<TRequest, TResponse>? handler) =>
            context.AddUnaryMethod(WithMarshallers(method), [], async (_, request, call) =>
            {
                try
                {
                    return await handler!(request, call).ConfigureAwait(false);
                }
                catch (Exception e) when (e is not RpcException { Status.Detail.Length: > 0 })
                {
                    throw ToStatus(e, method, call);
                }
            });

        public override void AddMethod<TRequest, TResponse>(
            Method<TRequest, TResponse> method, ServerStreamingServerMethod<TRequest, TResponse>? handler) =>
            context.AddServerStreamingMethod(
                WithMarshallers(method), [],
                (_, request, responses, call) => RunAsync(() => handler!(request, responses, call), method, call));

        public override void AddMethod<TRequest, TResponse>(
            Method<TRequest, TResponse> method, DuplexStreamingServerMethod<TRequest, TResponse>? handler) =>
            context.AddDuplexStreamingMethod(
                WithMarshallers(method), [],
                (_, requests, responses, call) => RunAsync(() => handler!(requests, responses, call), method, call));

        private async Task RunAsync(Func<Task> handler, IMethod method, ServerCallContext call)
        {
            try
            {
                await handler().ConfigureAwait(false);
            }
            catch (Exception e) when (e is not RpcException { Status.Detail.Length: > 0 })
            {
                throw ToStatus(e, method, call);
            }
        }

        /// <summary>Returns the status of a call whose handler threw an exception without one.</summary>
        private RpcException ToStatus(Exception error, IMethod method, ServerCallContext call)
        {
            switch (error)
            {
                // The generated code throws it, without a text, for a call that the service does not implement.
                case RpcException { StatusCode: StatusCode.Unimplemented }:
                    return EtcdErrors.UnknownMethod(method.ServiceName, method.Name);

                // The client has reset the call. The exception of a read or a write may precede the cancellation of the call's token.
                case OperationCanceledException or IOException:
                    return RequestContext.From(call).ToError();
                case var _ when call.CancellationToken.IsCancellationRequested
                    || call.GetHttpContext().RequestAborted.IsCancellationRequested:
                    return RequestContext.From(call).ToError();
                case InvalidDataException malformed:
                    return EtcdErrors.MalformedMessage(malformed.Message);
                default:
                    ServerLogMessages.CallFailed(log, method.FullName, error.Message, error);
                    return EtcdErrors.Internal(error);
            }
        }

        private Method<TRequest, TResponse> WithMarshallers<TRequest, TResponse>(Method<TRequest, TResponse> method)
            where TRequest : class
            where TResponse : class => new(
            method.Type, method.ServiceName, method.Name, Decoding(method.RequestMarshaller),
            SkippingSent(method.ResponseMarshaller));

        private static Marshaller<T> SkippingSent<T>(Marshaller<T> generated) => Marshallers.Create(
            (response, target) =>
            {
                if (!SentResponse.Is(response!))
                    generated.ContextualSerializer(response, target);
            },
            generated.ContextualDeserializer);

        private Marshaller<T> Decoding<T>(Marshaller<T> generated)
            where T : class =>
            Marshallers.Create(generated.ContextualSerializer, new RequestDecoder<T>(generated, operationsMax).Decode);
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

using System.Net.Sockets;
using System.Text.Json;
using Grpc.Core;
using Grpc.Net.Client;

namespace Quorate.Cli.Client;

/// <summary>Makes the calls of one client command.</summary>
/// <remarks>
/// A call goes to the first endpoint. It goes to the next one only if it was certainly not executed: no connection could be opened, or the
/// member knows no leader. Errors: <see cref="ClientException"/> with the exit code.
/// </remarks>
internal sealed class ClientSession(string verb, IReadOnlyList<Uri> endpoints, TimeSpan timeout, CancellationToken stop)
{
    private const string NoLeader = "etcdserver: no leader";

    /// <summary>The endpoints, in the order of the command line.</summary>
    public IReadOnlyList<Uri> Endpoints => endpoints;

    /// <summary>Makes a call that only reads.</summary>
    public Task<T> ReadAsync<T>(Func<GrpcChannel, CallOptions, AsyncUnaryCall<T>> call) => CallAsync(endpoints, call, isWrite: false);

    /// <summary>Makes a call that writes. If its error leaves open whether it was executed, the message says so.</summary>
    public Task<T> WriteAsync<T>(Func<GrpcChannel, CallOptions, AsyncUnaryCall<T>> call) => CallAsync(endpoints, call, isWrite: true);

    /// <summary>Makes a call to one endpoint that only reads.</summary>
    public Task<T> ReadAsync<T>(Uri endpoint, Func<GrpcChannel, CallOptions, AsyncUnaryCall<T>> call) =>
        CallAsync([endpoint], call, isWrite: false);

    /// <summary>Makes a call to one endpoint that changes something, and that can be repeated without harm.</summary>
    public Task<T> RepeatableAsync<T>(Uri endpoint, Func<GrpcChannel, CallOptions, AsyncUnaryCall<T>> call) =>
        CallAsync([endpoint], call, isWrite: false);

    /// <summary>A failure of this command that is no error of one call.</summary>
    public ClientException Failed(int exitCode, string message) => new(exitCode, $"quorate {verb}: {message}");

    /// <summary>
    /// Makes a call whose response is a stream that only reads. The next endpoint is used only if nothing was received from the first. The
    /// timeout applies to each message.
    /// </summary>
    /// <param name="call">Starts the call.</param>
    /// <param name="onMessage">Receives the messages, one after the other.</param>
    public async Task ReadStreamAsync<T>(Func<GrpcChannel, CallOptions, AsyncServerStreamingCall<T>> call, Action<T> onMessage)
    {
        for (var i = 0; ; i++)
        {
            using var channel = Open(endpoints[i]);
            using var silence = CancellationTokenSource.CreateLinkedTokenSource(stop);
            var messages = 0L;
            try
            {
                silence.CancelAfter(timeout);
                using var stream = call(channel, new CallOptions(cancellationToken: silence.Token));
                while (await stream.ResponseStream.MoveNext(silence.Token).ConfigureAwait(false))
                {
                    messages++;
                    onMessage(stream.ResponseStream.Current);
                    silence.CancelAfter(timeout);
                }

                return;
            }
            catch (Exception e) when (e is RpcException or OperationCanceledException && stop.IsCancellationRequested)
            {
                throw new OperationCanceledException(stop);
            }
            catch (Exception e) when (e is RpcException or OperationCanceledException && silence.IsCancellationRequested)
            {
                throw Unreachable(
                    $"{endpoints[i].Authority} has sent nothing for {timeout.TotalSeconds} s. "
                    + "Try again, or allow more time with --timeout.");
            }
            catch (RpcException error) when (messages == 0 && i + 1 < endpoints.Count && IsNotExecuted(error))
            {
                // The next endpoint may reach a member that has a leader.
            }
            catch (RpcException error) when (messages > 0 && error.Status.DebugException is not null)
            {
                throw Unreachable(
                    $"the connection to {endpoints[i].Authority} was lost: {error.Status.DebugException.Message.TrimEnd('.')}. Try again.");
            }
            catch (RpcException error)
            {
                throw ToClientException(endpoints[i], error, isWrite: false);
            }
        }
    }

    /// <summary>Reads a JSON document that one endpoint serves over HTTP.</summary>
    public async Task<JsonDocument> GetJsonAsync(Uri endpoint, string path)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false, ConnectTimeout = timeout }) { Timeout = timeout };
        try
        {
            using var response = await http.GetAsync(new Uri(endpoint, path), stop).ConfigureAwait(false);
            if (!response.IsSuccessStatusCode)
            {
                throw new ClientException(
                    ExitCode.Failed,
                    $"quorate {verb}: {endpoint.Authority} does not serve {path} (HTTP {(int)response.StatusCode}): "
                    + "it is no quorate server, or one of an earlier version.");
            }

            return await JsonDocument.ParseAsync(
                await response.Content.ReadAsStreamAsync(stop).ConfigureAwait(false), default, stop).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            throw;
        }
        catch (OperationCanceledException)
        {
            throw Unreachable($"{endpoint.Authority} did not respond within {timeout.TotalSeconds} s.");
        }
        catch (HttpRequestException fault)
        {
            throw Unreachable(
                $"{endpoint.Authority} does not respond: {(fault.InnerException ?? fault).Message}. "
                + "Check that a server listens there, or name others with --endpoints.");
        }
        catch (JsonException)
        {
            throw new ClientException(ExitCode.Failed, $"quorate {verb}: {endpoint.Authority} answered {path} with no JSON.");
        }
    }

    private async Task<T> CallAsync<T>(IReadOnlyList<Uri> targets, Func<GrpcChannel, CallOptions, AsyncUnaryCall<T>> call, bool isWrite)
    {
        for (var i = 0; ; i++)
        {
            using var channel = Open(targets[i]);
            try
            {
                return await call(channel, new CallOptions(deadline: DateTime.UtcNow + timeout, cancellationToken: stop))
                    .ResponseAsync.ConfigureAwait(false);
            }
            catch (RpcException) when (stop.IsCancellationRequested)
            {
                throw new OperationCanceledException(stop);
            }
            catch (RpcException error) when (i + 1 < targets.Count && IsNotExecuted(error))
            {
                // The next endpoint may reach a member that has a leader.
            }
            catch (RpcException error)
            {
                throw ToClientException(targets[i], error, isWrite);
            }
        }
    }

    private static bool IsNotExecuted(RpcException error) =>
        error.StatusCode == StatusCode.Unavailable && (ConnectionError(error) is not null || error.Status.Detail == NoLeader);

    /// <summary>Returns why no connection could be opened; null if the request may have been sent.</summary>
    private static Exception? ConnectionError(RpcException error) => error.Status.DebugException switch
    {
        SocketException fault => fault,
        HttpRequestException
        {
            HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError
                or HttpRequestError.SecureConnectionError,
        } fault => fault,
        _ => null,
    };

    private ClientException ToClientException(Uri endpoint, RpcException error, bool isWrite)
    {
        var open = isWrite ? " The write may have been executed: read the key before you repeat it." : "";
        return error.StatusCode switch
        {
            StatusCode.Unavailable when ConnectionError(error) is { } fault => Unreachable(
                $"{endpoint.Authority} does not respond: {fault.Message}. "
                + "Check that a server listens there, or name others with --endpoints."),
            StatusCode.Unavailable when error.Status.Detail == NoLeader => Unreachable(
                $"{endpoint.Authority} knows no leader: a majority of the members does not run or cannot be reached. "
                + "Nothing was executed; see quorate status."),
            StatusCode.Unavailable => Unreachable($"{endpoint.Authority}: {error.Status.Detail}.{open}"),
            StatusCode.DeadlineExceeded => Unreachable(
                $"{endpoint.Authority} did not respond within {timeout.TotalSeconds} s. "
                + $"Try again, or allow more time with --timeout.{open}"),
            _ => new ClientException(ExitCode.Failed, $"quorate {verb}: {endpoint.Authority}: {error.Status.Detail}"),
        };
    }

    private ClientException Unreachable(string message) => new(ExitCode.Unreachable, $"quorate {verb}: {message}");

    private static GrpcChannel Open(Uri endpoint) => GrpcChannel.ForAddress(endpoint, new GrpcChannelOptions
    {
        HttpHandler = new SocketsHttpHandler { UseProxy = false },
        DisposeHttpClient = true,
        MaxRetryAttempts = null,
        MaxReceiveMessageSize = null,
    });
}

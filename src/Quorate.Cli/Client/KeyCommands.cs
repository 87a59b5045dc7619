using System.CommandLine;
using System.Globalization;
using Google.Protobuf;
using Quorate.Cli.Bench;
using Quorate.Server.Protos;

namespace Quorate.Cli.Client;

/// <summary>The commands <c>quorate get</c>, <c>put</c> and <c>del</c>.</summary>
internal static class KeyCommands
{
    /// <summary>Creates the <c>get</c> command.</summary>
    public static Command CreateGet()
    {
        var keys = new KeyRange();
        var limit = new Option<long>("--limit") { Description = "Maximum number of keys; 0: all." };
        var revision = new Option<long>("--rev") { Description = "Read the keys as they were at this revision; 0: the newest." };
        var consistency = new Option<string>("--consistency")
        {
            Description = "l: linearizable; s: serializable, the local state of the member, which needs no quorum.",
            DefaultValueFactory = _ => "l",
        };
        consistency.AcceptOnlyFromAmong("l", "s");
        var keysOnly = new Option<bool>("--keys-only") { Description = "Print no values." };
        var valuesOnly = new Option<bool>("--print-value-only") { Description = "Print no keys." };
        var countOnly = new Option<bool>("--count-only") { Description = "Print only the number of keys." };
        return ClientArguments.CreateCommand(
            "get", "Prints a key, or the keys of a range, each with its value on the next line. A key that does not exist prints nothing.",
            [.. keys.Symbols, limit, revision, consistency, keysOnly, valuesOnly, countOnly],
            async (parsed, session, output, _) =>
            {
                var (key, rangeEnd) = keys.Parse(parsed);
                var request = new RangeRequest
                {
                    Key = key,
                    RangeEnd = rangeEnd,
                    Limit = parsed.GetValue(limit),
                    Revision = parsed.GetValue(revision),
                    Serializable = parsed.GetValue(consistency) == "s",
                    KeysOnly = parsed.GetValue(keysOnly),
                    CountOnly = parsed.GetValue(countOnly),
                };
                var response = await session.ReadAsync((channel, call) => new KV.KVClient(channel).RangeAsync(request, call))
                    .ConfigureAwait(false);
                if (output.IsJson)
                    output.WriteJson(response);
                else if (request.CountOnly)
                    output.WriteLine(response.Count.ToString(CultureInfo.InvariantCulture));
                else
                    Write(output, response.Kvs, !parsed.GetValue(valuesOnly), !request.KeysOnly);
            });
    }

    /// <summary>Creates the <c>put</c> command.</summary>
    public static Command CreatePut()
    {
        var key = new Argument<string>("key") { Description = "The key." };
        var value = new Argument<string?>("value")
        {
            Description = "The value; without it, the standard input up to its end.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var lease = new Option<string>("--lease") { Description = "The id of a lease, in hexadecimal, to attach to the key." };
        lease.Validators.Add(result =>
        {
            if (!TryParseLease(result.GetValueOrDefault<string>(), out _))
                result.AddError("--lease must be the id of a lease in hexadecimal, such as 694d81417acd4754.");
        });
        var previous = new Option<bool>("--prev-kv") { Description = "Print the previous key and value." };
        return ClientArguments.CreateCommand(
            "put", "Writes a key and prints OK. Values that begin with a dash follow --: quorate put -- key -1.",
            [key, value, lease, previous],
            async (parsed, session, output, stop) =>
            {
                _ = TryParseLease(parsed.GetValue(lease), out var leaseId);
                var request = new PutRequest
                {
                    Key = ByteString.CopyFromUtf8(parsed.GetRequiredValue(key)),
                    Value = parsed.GetValue(value) is { } text
                        ? ByteString.CopyFromUtf8(text)
                        : await ReadStandardInputAsync(stop).ConfigureAwait(false),
                    Lease = leaseId,
                    PrevKv = parsed.GetValue(previous),
                };
                var response = await session.WriteAsync((channel, call) => new KV.KVClient(channel).PutAsync(request, call))
                    .ConfigureAwait(false);
                if (output.IsJson)
                {
                    output.WriteJson(response);
                    return;
                }

                output.WriteLine("OK");
                if (response.PrevKv is { } replaced)
                    Write(output, [replaced], keys: true, values: true);
            });
    }

    /// <summary>Creates the <c>del</c> command.</summary>
    public static Command CreateDelete()
    {
        var keys = new KeyRange();
        var previous = new Option<bool>("--prev-kv") { Description = "Print the deleted keys and values." };
        return ClientArguments.CreateCommand(
            "del", "Deletes a key, or the keys of a range, and prints the number of deleted keys.", [.. keys.Symbols, previous],
            async (parsed, session, output, _) =>
            {
                var (key, rangeEnd) = keys.Parse(parsed);
                var request = new DeleteRangeRequest { Key = key, RangeEnd = rangeEnd, PrevKv = parsed.GetValue(previous) };
                var response = await session.WriteAsync((channel, call) => new KV.KVClient(channel).DeleteRangeAsync(request, call))
                    .ConfigureAwait(false);
                if (output.IsJson)
                {
                    output.WriteJson(response);
                    return;
                }

                output.WriteLine(response.Deleted.ToString(CultureInfo.InvariantCulture));
                Write(output, response.PrevKvs, keys: true, values: true);
            });
    }

    private static void Write(ClientOutput output, IEnumerable<KeyValue> found, bool keys, bool values)
    {
        foreach (var kv in found)
        {
            if (keys)
                output.WriteLine(kv.Key);
            if (values)
                output.WriteLine(kv.Value);
        }
    }

    private static async Task<ByteString> ReadStandardInputAsync(CancellationToken stop)
    {
        var input = Console.OpenStandardInput();
        await using (input.ConfigureAwait(false))
            return await ByteString.FromStreamAsync(input, stop).ConfigureAwait(false);
    }

    private static bool TryParseLease(string? text, out long lease)
    {
        lease = 0;
        return text is null || long.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out lease);
    }

    /// <summary>The arguments that select keys: one key, a range up to an end, a prefix, or everything from a key on.</summary>
    private sealed class KeyRange
    {
        private static readonly ByteString AllFromKey = ByteString.CopyFrom(0);

        private readonly Argument<string> _key = new("key") { Description = "The key, or the first key of a range." };

        private readonly Argument<string?> _rangeEnd = new("range_end")
        {
            Description = "The end of the range, which is not part of it.",
            Arity = ArgumentArity.ZeroOrOne,
        };

        private readonly Option<bool> _prefix = new("--prefix") { Description = "All keys that begin with the key; \"\" means all keys." };
        private readonly Option<bool> _fromKey = new("--from-key") { Description = "All keys from the key on, in byte order." };

        public KeyRange() => _prefix.Validators.Add(result =>
        {
            var ends = (result.GetValueOrDefault<bool>() ? 1 : 0) + (result.Parent?.GetResult(_rangeEnd) is { Tokens.Count: > 0 } ? 1 : 0);
            if (ends > 1)
                result.AddError("A range end and --prefix exclude each other.");
        });

        public Symbol[] Symbols => [_key, _rangeEnd, _prefix, _fromKey];

        public (ByteString Key, ByteString RangeEnd) Parse(ParseResult parsed)
        {
            var key = parsed.GetRequiredValue(_key);
            if (parsed.GetValue(_prefix))
                return key.Length == 0 ? (AllFromKey, AllFromKey) : (ByteString.CopyFromUtf8(key), BenchKeys.EndOfPrefix(key));
            if (parsed.GetValue(_fromKey))
                return (key.Length == 0 ? AllFromKey : ByteString.CopyFromUtf8(key), AllFromKey);
            return (ByteString.CopyFromUtf8(key), ByteString.CopyFromUtf8(parsed.GetValue(_rangeEnd) ?? ""));
        }
    }
}

using System.Globalization;
using System.Text.Json;
using Quorate.Raft;

namespace Quorate.Node.Tracing;

/// <summary>
/// Writes a message to a trace: the fields that the protocol reads; of an entry its term, index and kind, but not its payload.
/// </summary>
internal static class MessageJsonWriter
{
    /// <summary>Writes a message as an object, with its id in the trace; 0: the message has none.</summary>
    public static void Write(Utf8JsonWriter json, Message message, long id)
    {
        json.WriteStartObject();
        if (id != 0)
            json.WriteNumber("id", id);
        json.WriteString("type", message.GetType().Name);
        json.WriteNumber("from", message.From.Value);
        json.WriteNumber("to", message.To.Value);
        json.WriteNumber("term", message.Term.Value);
        switch (message)
        {
            case AppendEntries append:
                WriteEntryId(json, "previous", append.Previous);
                WriteEntries(json, "entries", append.Entries.Span);
                json.WriteNumber("commit", append.LeaderCommit.Value);
                json.WriteNumber("round", append.Round);
                if (append.NeedsSnapshot)
                    json.WriteBoolean("needsSnapshot", true);
                if (append.QuorumIsShortOfSpace)
                    json.WriteBoolean("quorumIsShortOfSpace", true);
                if (append.LeaseMilliseconds != 0)
                {
                    json.WriteNumber("leaseMilliseconds", append.LeaseMilliseconds);
                    json.WriteNumber("leaseStamp", append.LeaseStamp);
                }

                break;
            case AppendEntriesReply reply:
                json.WriteBoolean("accepted", reply.Accepted);
                json.WriteNumber("index", reply.Index.Value);
                if (!reply.Accepted)
                    WriteEntryId(json, "hint", reply.Hint);
                json.WriteNumber("round", reply.Round);
                if (reply.IsShortOfSpace)
                    json.WriteBoolean("isShortOfSpace", true);
                if (reply.CannotWrite)
                    json.WriteBoolean("cannotWrite", true);
                if (reply.IsRepairing)
                    json.WriteBoolean("isRepairing", true);
                if (reply.LeaseStamp != 0)
                    json.WriteNumber("leaseStamp", reply.LeaseStamp);
                break;
            case RequestVote request:
                json.WriteBoolean("preVote", request.PreVote);
                if (request.IsTransfer)
                    json.WriteBoolean("transfer", true);
                WriteEntryId(json, "lastEntry", request.LastEntry);
                break;
            case RequestVoteReply reply:
                json.WriteBoolean("preVote", reply.PreVote);
                json.WriteBoolean("granted", reply.Granted);
                break;
            case ForwardProposals forward:
                json.WriteNumber("proposals", forward.Proposals.Length);
                break;
            case RejectProposals rejection:
                json.WriteNumber("proposals", rejection.LastSequence - rejection.FirstSequence + 1);
                json.WriteString("reason", rejection.Reason.ToString());
                break;
            case ReadIndexRequest request:
                json.WriteNumber("readId", request.ReadId);
                break;
            case ReadIndexReply reply:
                json.WriteNumber("readId", reply.ReadId);
                json.WriteBoolean("granted", reply.Granted);
                json.WriteNumber("index", reply.Index.Value);
                break;
            case FetchSnapshot fetch:
                WriteEntryId(json, "last", fetch.Last);
                json.WriteNumber("offset", fetch.Offset);
                json.WriteNumber("length", fetch.Length);
                break;
            case FetchSnapshotReply reply:
                WriteEntryId(json, "last", reply.Last);
                json.WriteNumber("offset", reply.Offset);
                json.WriteNumber("length", reply.Bytes.Length);
                json.WriteNumber("of", reply.FileBytes);
                break;
            case TimeoutNow timeoutNow:
                json.WriteNumber("lastIndex", timeoutNow.LastIndex.Value);
                break;
            case StateHashReport report:
                json.WriteNumber("index", report.Index.Value);
                json.WriteString("hash", report.Hash.ToString("x16", CultureInfo.InvariantCulture));
                break;
            default:
                throw new ArgumentException($"traces do not support messages of type {message.GetType().Name}", nameof(message));
        }

        json.WriteEndObject();
    }

    public static void WriteEntries(Utf8JsonWriter json, string name, ReadOnlySpan<LogEntry> entries)
    {
        json.WriteStartArray(name);
        foreach (ref readonly var entry in entries)
        {
            json.WriteStartArray();
            json.WriteNumberValue(entry.Term.Value);
            json.WriteNumberValue(entry.Index.Value);
            json.WriteStringValue(entry.Kind.ToString());
            json.WriteEndArray();
        }

        json.WriteEndArray();
    }

    private static void WriteEntryId(Utf8JsonWriter json, string name, EntryId entry)
    {
        json.WriteStartArray(name);
        json.WriteNumberValue(entry.Term.Value);
        json.WriteNumberValue(entry.Index.Value);
        json.WriteEndArray();
    }
}

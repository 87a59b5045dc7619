using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Quorate.Cli.Client;
using Quorate.Raft;
using Quorate.Server.Backups;

namespace Quorate.Cli.Snapshots;

/// <summary>Formats what a backup contains. The first four fields are those of <c>etcdctl snapshot status</c>, in its order.</summary>
internal static class SnapshotStatus
{
    private static readonly string[] Titles = ["HASH", "REVISION", "TOTAL KEYS", "TOTAL SIZE", "RAFT TERM", "RAFT INDEX", "MEMBERS"];

    /// <summary>Formats a line, with commas between the fields.</summary>
    public static string ToLine(BackupSummary summary) => string.Join(", ", Fields(summary));

    /// <summary>Formats a table with titles.</summary>
    public static string ToTable(BackupSummary summary)
    {
        var fields = Fields(summary);
        int[] widths = [.. Titles.Zip(fields, static (title, field) => Math.Max(title.Length, field.Length))];
        var rule = "+" + string.Concat(widths.Select(static width => new string('-', width + 2) + "+"));
        return string.Join(Environment.NewLine, rule, Row(Titles), rule, Row(fields), rule);

        string Row(string[] cells) => "|" + string.Concat(cells.Zip(widths, static (cell, width) => $" {cell.PadLeft(width)} |"));
    }

    /// <summary>Formats an object in one line. Ids are text in hexadecimal, because many parsers round large numbers.</summary>
    public static string ToJson(BackupSummary summary)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteNumber("hash", summary.Store.Checksum);
            json.WriteNumber("revision", summary.Store.Revision);
            json.WriteNumber("totalKey", summary.Store.KeyCount);
            json.WriteNumber("totalSize", summary.Backup.FileBytes);
            json.WriteNumber("raftTerm", summary.Backup.Last.Term.Value);
            json.WriteNumber("raftIndex", summary.Backup.Last.Index.Value);
            json.WriteNumber("compactRevision", summary.Store.CompactRevision);
            json.WriteNumber("versions", summary.Store.VersionCount);
            json.WriteNumber("leases", summary.Store.LeaseCount);
            json.WriteString("backup", Hex(summary.Backup.Id));
            json.WriteString("cluster", Hex(summary.Backup.ClusterId));
            json.WriteStartArray("members");
            foreach (var member in summary.Backup.Configuration.Members)
            {
                json.WriteStartObject();
                json.WriteString("ID", Hex(member.Value));
                json.WriteString("name", NameOf(summary, member));
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static string[] Fields(BackupSummary summary) =>
    [
        Hex(summary.Store.Checksum), Text(summary.Store.Revision), Text(summary.Store.KeyCount),
        ClusterCommands.FormatSize(summary.Backup.FileBytes), Text((long)summary.Backup.Last.Term.Value),
        Text((long)summary.Backup.Last.Index.Value),
        string.Join(' ', summary.Backup.Configuration.Members.Select(
            member => NameOf(summary, member) is { Length: > 0 } name ? name : Hex(member.Value))),
    ];

    private static string NameOf(BackupSummary summary, NodeId member) =>
        summary.Published.FirstOrDefault(m => m.ID == member.Value)?.Name ?? "";

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Hex(ulong id) => id.ToString("x", CultureInfo.InvariantCulture);
}

using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Quorate.Cli.Inspect;

/// <summary>What <c>quorate inspect</c> prints: a line for each part of a file, as text or as a JSON object.</summary>
/// <remarks>Also counts the findings that decide the exit code.</remarks>
internal sealed class InspectOutput(Stream stdout, bool isJson, bool isSummary)
{
    private readonly ArrayBufferWriter<byte> _line = new();

    /// <summary>Whether entries, frames and chunks are omitted.</summary>
    public bool IsSummary => isSummary;

    /// <summary>The number of corruptions that were printed.</summary>
    public int Corruptions { get; private set; }

    /// <summary>The number of files that this build cannot read, because another version wrote them.</summary>
    public int Unsupported { get; private set; }

    /// <summary>Prints a part of a file.</summary>
    /// <param name="type">What it is: the property "type" of the JSON object.</param>
    /// <param name="indent">The nesting of the text line.</param>
    /// <param name="text">The text line.</param>
    /// <param name="fields">The other properties of the JSON object: text, a Boolean, or a number.</param>
    public void Write(string type, int indent, string text, params ReadOnlySpan<(string Name, object Value)> fields)
    {
        _line.Clear();
        if (isJson)
        {
            WriteJson(type, fields);
        }
        else
        {
            _line.Write(Encoding.UTF8.GetBytes(new string(' ', 2 * indent)));
            _line.Write(Encoding.UTF8.GetBytes(text));
        }

        _line.Write("\n"u8);
        stdout.Write(_line.WrittenSpan);
    }

    /// <summary>Prints a corruption.</summary>
    public void WriteCorruption(string file, long offset, string what)
    {
        CountCorruption();
        Write(
            "corruption", 1, string.Create(CultureInfo.InvariantCulture, $"CORRUPTION in {file} at byte {offset}: {what}"),
            ("file", file), ("offset", offset), ("what", what));
    }

    /// <summary>Counts a corruption that is printed in another form.</summary>
    public void CountCorruption() => Corruptions++;

    /// <summary>Prints that another version wrote a file.</summary>
    public void WriteUnsupported(string file, string why)
    {
        Unsupported++;
        Write("unsupported", 1, $"cannot be read: {why}", ("file", file), ("why", why));
    }

    private void WriteJson(string type, ReadOnlySpan<(string Name, object Value)> fields)
    {
        using var json = new Utf8JsonWriter(_line);
        json.WriteStartObject();
        json.WriteString("type", type);
        foreach (var (name, value) in fields)
        {
            switch (value)
            {
                case bool flag:
                    json.WriteBoolean(name, flag);
                    break;
                case int or long:
                    json.WriteNumber(name, Convert.ToInt64(value, CultureInfo.InvariantCulture));
                    break;
                case ulong number:
                    json.WriteNumber(name, number);
                    break;
                default:
                    json.WriteString(name, value.ToString());
                    break;
            }
        }

        json.WriteEndObject();
    }
}

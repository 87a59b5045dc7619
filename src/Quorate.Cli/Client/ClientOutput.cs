using Google.Protobuf;

namespace Quorate.Cli.Client;

/// <summary>The data that a client command prints: lines for people and scripts, or one JSON object per response.</summary>
/// <remarks>Keys and values are written as they are: they are bytes, and need not be text.</remarks>
internal sealed class ClientOutput(Stream stdout, bool isJson)
{
    private static readonly JsonFormatter Formatter = new(JsonFormatter.Settings.Default.WithPreserveProtoFieldNames(true));

    /// <summary>Whether responses are printed as JSON.</summary>
    public bool IsJson => isJson;

    /// <summary>Prints a response as one line of JSON.</summary>
    public void WriteJson(IMessage response) => WriteLine(Formatter.Format(response));

    /// <summary>Formats a response as JSON, to be part of an object.</summary>
    public static string FormatJson(IMessage response) => Formatter.Format(response);

    /// <summary>Prints a line of text.</summary>
    public void WriteLine(string text) => WriteLine(ByteString.CopyFromUtf8(text));

    /// <summary>Prints bytes and a line break.</summary>
    public void WriteLine(ByteString bytes)
    {
        stdout.Write(bytes.Span);
        stdout.Write("\n"u8);
    }
}

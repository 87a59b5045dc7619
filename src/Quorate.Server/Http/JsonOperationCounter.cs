using System.Buffers;
using System.Text.Json;

namespace Quorate.Server.Http;

/// <summary>Counts the comparisons and operations of a transaction in JSON before it is parsed.</summary>
/// <remarks>
/// As <see cref="Etcd.TxnOperationCounter"/>, for the same reason: <c>{}</c> and a comma are a comparison. The text is read once and
/// nothing of it is kept. What is not valid JSON is left to the parser, which stops at the same place.
/// </remarks>
internal static class JsonOperationCounter
{
    // As deep as the parser goes.
    private const int DepthMax = 100;

    /// <summary>Whether a transaction has more operations than allowed.</summary>
    public static bool Exceeds(in ReadOnlySequence<byte> json, int operationsMax)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = DepthMax });
        try
        {
            return reader.Read() && reader.TokenType == JsonTokenType.StartObject && CountTxn(ref reader) > operationsMax;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <summary>
    /// Returns the number of operations on the longest path through a transaction: its longest list, and the most that a nested transaction
    /// adds. The reader is at the start of the object, and then at its end.
    /// </summary>
    private static int CountTxn(ref Utf8JsonReader reader)
    {
        int compares = 0, onSuccess = 0, onFailure = 0, nested = 0;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("compare"u8))
                CountList(ref reader, ref compares, ref nested);
            else if (reader.ValueTextEquals("success"u8))
                CountList(ref reader, ref onSuccess, ref nested);
            else if (reader.ValueTextEquals("failure"u8))
                CountList(ref reader, ref onFailure, ref nested);
            else
                reader.Skip();
        }

        return int.Max(compares, int.Max(onSuccess, onFailure)) + nested;
    }

    private static void CountList(ref Utf8JsonReader reader, ref int count, ref int nested)
    {
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartArray)
        {
            reader.Skip();
            return;
        }

        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            count++;
            if (reader.TokenType == JsonTokenType.StartObject)
                nested = int.Max(nested, CountNested(ref reader));
        }
    }

    /// <summary>Returns the operations of the transactions in an operation; the parser merges several.</summary>
    private static int CountNested(ref Utf8JsonReader reader)
    {
        var operations = 0;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (!reader.ValueTextEquals("request_txn"u8) && !reader.ValueTextEquals("requestTxn"u8))
                reader.Skip();
            else if (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
                operations += CountTxn(ref reader);
            else
                reader.Skip();
        }

        return operations;
    }
}

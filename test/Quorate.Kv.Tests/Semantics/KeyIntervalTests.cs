using CsCheck;
using Quorate.Kv.Tests.Properties;
using static Quorate.Kv.Tests.Given;

namespace Quorate.Kv.Tests.Semantics;

/// <summary>etcd v3 API, key and range_end; GHSA-xg4h-6gfc-h4m8 shows what happens when two places interpret them differently.</summary>
public sealed class KeyIntervalTests
{
    [Theory]
    [InlineData("a", "", KeyIntervalKind.Single)]
    [InlineData("a", "\0", KeyIntervalKind.From)]
    [InlineData("a", "b", KeyIntervalKind.Range)]
    [InlineData("a", "\0\0", KeyIntervalKind.Range)]
    public void A_wire_range_end_round_trips_through_its_kind(string key, string end, KeyIntervalKind kind)
    {
        var keys = Keys(key, end);

        Assert.Equal(kind, keys.Kind);
        Assert.Equal(end, Text(keys.WireEnd));
        Assert.Equal(keys, KeyInterval.FromWire(keys.Start, keys.WireEnd));
    }

    [Fact]
    public void An_interval_contains_another_exactly_when_it_contains_all_its_keys()
    {
        var keys = (from a in "abcd" from b in " abcd" select (a.ToString() + b).Trim()).Append("\0").Append("e").ToArray();
        Gen.Select(RequestGenerators.Keys, RequestGenerators.Keys).Sample(
            (outer, inner) =>
            {
                var held = keys.Where(k => inner.Contains(Bytes(k))).ToList();
                var all = held.TrueForAll(k => outer.Contains(Bytes(k)));
                if (outer.Contains(inner))
                    Assert.True(all);
                else
                    Assert.False(inner.IsEmpty);
                // A key of the inner interval outside the outer one proves the other direction.
                if (held.Exists(k => !outer.Contains(Bytes(k))))
                    Assert.False(outer.Contains(inner));
            },
            iter: TestEffort.Of(5000));
    }

    [Fact]
    public void The_full_interval_contains_every_key() =>
        Assert.All(
            new[] { KeyInterval.All, Prefix(""), Keys("\0", "\0") },
            k => Assert.True(k.IsAll && k.Contains(Bytes("\0")) && k.Contains(Keys("z", "\0"))));

    [Theory]
    [InlineData("\0", "")]
    [InlineData("\0", "\0\0")]
    [InlineData("a", "\0")]
    [InlineData("a", "b")]
    public void An_interval_that_lacks_a_key_is_not_the_full_one(string key, string end) => Assert.False(Keys(key, end).IsAll);
}

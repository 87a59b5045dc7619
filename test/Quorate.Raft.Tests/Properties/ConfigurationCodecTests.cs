using CsCheck;

namespace Quorate.Raft.Tests.Properties;

/// <summary>What is encoded is decoded again, and no bytes are read beyond their end.</summary>
public sealed class ConfigurationCodecTests
{
    private static readonly Gen<Member> AnyMember = Gen.Select(
        Gen.ULong[1, 9], Gen.ULong, Gen.Int[0, 2], Gen.Bool, Gen.String[0, 20], Gen.String[0, 20],
        static (id, directory, state, promote, address, data) => new Member
        {
            Id = Given.Node(id),
            Directory = state == 0 ? new DirectoryId(directory) : DirectoryId.None,
            IsInitial = state == 1,
            PromoteWhenReady = promote && state != 1,
            Address = Printable(address),
            Data = Printable(data),
        });

    private static readonly Gen<Configuration> AnyConfiguration = Gen.Select(
        Gen.Shuffle(new ulong[] { 1, 2, 3, 4, 5, 6, 7, 8, 9 }), Gen.Int[1, 4], Gen.Int[0, 4], Gen.Int[0, 4], AnyMember.Array[0, 9],
        static (ids, voters, outgoing, learners, details) => new Configuration(
            ids.Take(voters).Select(Given.Node),
            ids.Skip(2).Take(outgoing).Select(Given.Node),
            ids.Skip(5).Take(learners).Select(Given.Node),
            details.DistinctBy(static member => member.Id)));

    [Fact]
    public void A_configuration_is_decoded_as_it_was_encoded() => AnyConfiguration.Sample(static configuration =>
    {
        var bytes = ConfigurationCodec.Encode(configuration);
        Assert.Equal(ConfigurationCodec.SizeOf(configuration), bytes.Length);
        Assert.True(ConfigurationCodec.TryDecode(bytes, out var decoded, out _, out _));
        Assert.Equal(configuration.ToString(), decoded.ToString());
        Assert.Equal(configuration.Details, decoded.Details);
    });

    [Fact]
    public void A_change_is_decoded_as_it_was_encoded() =>
        Gen.Select(AnyMember.Array[1, 5], Gen.Int[1, 6].Array[5], Gen.ULong[0, 9], Gen.Bool).Sample(
            static (members, kinds, expected, isAny) =>
            {
                var change = new ConfigurationChange
                {
                    Changes = [.. members.Select((member, i) => MemberChange.Of((MemberChangeKind)kinds[i], member))],
                    ExpectedIndex = isAny ? null : Given.At(expected),
                };
                Assert.True(ConfigurationChange.TryDecode(change.Encode(), out var decoded));
                Assert.Equal(change.ExpectedIndex, decoded.ExpectedIndex);
                Assert.Equal(change.Changes, decoded.Changes);
            });

    [Fact]
    public void Truncated_and_changed_bytes_are_refused_or_decoded_without_a_fault() =>
        Gen.Select(AnyConfiguration, AnyMember, Gen.Int[0, 400], Gen.Byte, Gen.Int[0, 400]).Sample(
            static (configuration, member, at, value, length) =>
            {
                var change = new ConfigurationChange { Changes = [MemberChange.Of(MemberChangeKind.AddVoter, member)] };
                foreach (var bytes in new[] { ConfigurationCodec.Encode(configuration), change.Encode() })
                {
                    bytes[at % bytes.Length] = value;
                    var part = bytes.AsSpan(0, length % (bytes.Length + 1));
                    ConfigurationCodec.TryDecode(part, out _, out _, out _);
                    ConfigurationChange.TryDecode(part, out _);
                }
            });

    [Fact]
    public void No_configuration_is_encoded_too()
    {
        Assert.True(ConfigurationCodec.TryDecode(ConfigurationCodec.Encode(Configuration.None), out var decoded, out _, out _));
        Assert.True(decoded.IsEmpty);
    }

    private static string Printable(string text) => new([.. text.Where(char.IsAsciiLetterOrDigit)]);
}

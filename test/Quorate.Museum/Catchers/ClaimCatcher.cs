using System.Globalization;
using System.Reflection;
using Quorate.Museum.Rooms;
using Xunit;
using Xunit.v3;

namespace Quorate.Museum.Catchers;

/// <summary>A test of one of the rooms, with all its cases: what no run of a whole cluster would show, or only by great luck.</summary>
internal sealed record ClaimCatcher(string Project, string Class, string Method) : Catcher
{
    /// <summary>Quorate.Node.Tests Wal.PowerCuts.A_cut_…</summary>
    public static ClaimCatcher Of(string label)
    {
        var (space, dot) = (label.IndexOf(' ', StringComparison.Ordinal), label.LastIndexOf('.'));
        return new ClaimCatcher(label[..space], $"{label[..space]}.{label[(space + 1)..dot]}", label[(dot + 1)..]);
    }

    public override Finding? Look(Building building)
    {
        var type = building.Room(Project).GetType(Class, throwOnError: true)!;
        var claim = type.GetMethod(Method) ?? throw new MuseumException($"{Class} does not claim {Method}");
        var number = 0UL;
        foreach (var arguments in Cases(claim))
        {
            number++;
            try
            {
                if (claim.Invoke(Activator.CreateInstance(type), Fitted(arguments, claim)) is Task task)
                    task.GetAwaiter().GetResult();
            }
            catch (TargetInvocationException refuted)
            {
                return new Finding(refuted.InnerException!.Message, number, number == 1 ? "1 case" : $"{number} cases");
            }
        }

        return null;
    }

    /// <summary>That the claim holds where nothing hangs is what its own project tests.</summary>
    public override string? LookAgain(Finding found) => null;

    public override string ToString() => $"{Project}: {Class[(Project.Length + 1)..]}.{Method}";

    /// <summary>An attribute says 3 where the test takes a ulong.</summary>
    private static object?[] Fitted(object?[] arguments, MethodInfo claim) =>
        [.. claim.GetParameters().Zip(arguments, static (parameter, value) =>
            value is IConvertible && !parameter.ParameterType.IsInstanceOfType(value) ? Convert.ChangeType(value, parameter.ParameterType, CultureInfo.InvariantCulture) : value)];

    private static List<object?[]> Cases(MethodInfo claim)
    {
        if (claim.GetParameters().Length == 0)
            return [[]];
        var cases = new List<object?[]>();
        foreach (var source in claim.GetCustomAttributes<DataAttribute>())
        {
            switch (source)
            {
                case InlineDataAttribute inline:
                    cases.Add(inline.Data);
                    break;
                case MemberDataAttribute member:
                    var rows = claim.DeclaringType!.GetMethod(member.MemberName)?.Invoke(null, member.Arguments) as IEnumerable<ITheoryDataRow>;
                    cases.AddRange((rows ?? []).Select(static row => row.GetData()));
                    break;
            }
        }

        return cases.Count > 0 ? cases : throw new MuseumException($"{claim.DeclaringType!.FullName}.{claim.Name} has no cases that the museum can read");
    }
}

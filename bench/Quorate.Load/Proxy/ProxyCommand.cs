using System.CommandLine;
using System.Net;

namespace Quorate.Load.Proxy;

/// <summary>The <c>proxy</c> command: a slow link in front of an address.</summary>
internal static class ProxyCommand
{
    public static Command Create()
    {
        var listen = new Option<string>("--listen") { Description = "Address to listen on, such as 127.0.0.1:3000.", Required = true };
        var target = new Option<string>("--target") { Description = "Address to forward to.", Required = true };
        var rate = new Option<double>("--mbit") { Description = "Megabits per second towards the target; 0: no limit." };
        var command = new Command("proxy", "Forwards TCP connections over a slow link, until it is interrupted.") { listen, target, rate };
        command.SetAction(async (parsed, stop) =>
        {
            var megabits = parsed.GetValue(rate);
            await using var proxy = new PacedProxy(
                IPEndPoint.Parse(parsed.GetRequiredValue(listen)),
                IPEndPoint.Parse(parsed.GetRequiredValue(target)),
                megabits > 0 ? megabits * 1e6 / 8 : double.PositiveInfinity);
            await Task.Delay(Timeout.Infinite, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await parsed.InvocationConfiguration.Output.WriteLineAsync($"delivered: {proxy.Delivered} bytes");
            return 0;
        });
        return command;
    }
}

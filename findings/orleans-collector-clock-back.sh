#!/usr/bin/env bash
# Microsoft.Orleans.Server 10.4.2: after the wall clock goes back, no grain can be activated until it has caught up.
#
# A good guess: activations are scheduled for collection by elapsed time, or a clock that goes back makes collection late. What happens: the activation
# collector keeps the latest time that it has seen, and each new activation throws
#   ArgumentException: The earliest collection that can be scheduled from now is for …
# to its caller. Grains that are active go on answering, and so do probes between silos: only new activations fail, for as long as the clock went back.
#
# Seen: "before: ok", "active grain: ok", "new grain: ArgumentException: The earliest collection that can be scheduled from now is for …", "steady clock: ok".
# The last line is the way out: Orleans takes the collector's clock from the keyed service "Orleans.ActivationManagement".
# Exits 0 when the output is as seen, 1 when it changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
cat >finding.csproj <<'XML'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup><OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework><ImplicitUsings>enable</ImplicitUsings><Nullable>enable</Nullable></PropertyGroup>
  <ItemGroup><PackageReference Include="Microsoft.Orleans.Server" Version="[10.4.2]" /></ItemGroup>
</Project>
XML
cat >Program.cs <<'CS'
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

await RunAsync(isCollectorSteady: false);
await RunAsync(isCollectorSteady: true);

static async Task RunAsync(bool isCollectorSteady)
{
    var clock = new SettableClock();
    var builder = Host.CreateApplicationBuilder();
    builder.Logging.ClearProviders();
    builder.Services.AddSingleton<TimeProvider>(clock);
    builder.UseOrleans(silo =>
    {
        silo.UseLocalhostClustering();
        if (isCollectorSteady) silo.Services.AddKeyedSingleton<TimeProvider>("Orleans.ActivationManagement", TimeProvider.System);
    });
    using var host = builder.Build();
    await host.StartAsync();
    var grains = host.Services.GetRequiredService<IGrainFactory>();
    if (!isCollectorSteady) await TellAsync("before", grains.GetGrain<IHello>("old"));
    clock.Ahead = TimeSpan.FromHours(-1);
    if (!isCollectorSteady) await TellAsync("active grain", grains.GetGrain<IHello>("old"));
    await TellAsync(isCollectorSteady ? "steady clock" : "new grain", grains.GetGrain<IHello>("new"));
    await host.StopAsync();
}

static async Task TellAsync(string what, IHello grain)
{
    try
    {
        await grain.Hello();
        Console.WriteLine($"{what}: ok");
    }
    catch (Exception failure)
    {
        Console.WriteLine($"{what}: {failure.GetType().Name}: {failure.Message}");
    }
}

public interface IHello : IGrainWithStringKey { Task Hello(); }
public sealed class HelloGrain : Grain, IHello { public Task Hello() => Task.CompletedTask; }

sealed class SettableClock : TimeProvider
{
    public TimeSpan Ahead { get; set; }
    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Ahead;
}
CS
dotnet build -c Release -v q >build.log 2>&1 || { cat build.log; exit 1; }
dotnet bin/Release/net10.0/finding.dll | tee output
grep -qx 'before: ok' output
grep -qx 'active grain: ok' output
grep -q '^new grain: ArgumentException: The earliest collection that can be scheduled from now is for ' output
grep -qx 'steady clock: ok' output

#!/usr/bin/env bash
# libfaketime 0.9.10 (Debian's 0.9.10-2.1) with .NET 10: a task that waits takes a whole processor, unless FAKETIME_FORCE_MONOTONIC_FIX is 0.
#
# A good guess: FAKETIME_DONT_FAKE_MONOTONIC=1 leaves everything alone that goes by the monotonic clock, so a program under libfaketime whose wall clock
# alone is set waits as it does without. What happens: during "await Task.Delay" the threads of .NET's pool and its timer wait on condition variables that
# are bound to the monotonic clock. libfaketime replaces the timed wait, and its fix for the monotonic clock, which is on by default, lets the wait come back
# early: the runtime sees that the time is not over and waits again, over and over. The program is right, and idle it uses a processor and more.
# FAKETIME_FORCE_MONOTONIC_FIX=0 ends it; the wall clock is still the faked one. Thread.Sleep and Monitor.Wait by themselves are not touched.
#
# Seen (busy: over one second of processor time in three seconds of waiting): "default: busy, year 2031", "fix off: idle, year 2031".
# Exits 0 when the output is as seen, 1 when it changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
apt-get download -q libfaketime=0.9.10-2.1 >/dev/null
dpkg -x libfaketime_*.deb library
library=$(find "$work/library" -name 'libfaketimeMT.so.1')
cat >finding.csproj <<'XML'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup><OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework><ImplicitUsings>enable</ImplicitUsings></PropertyGroup>
</Project>
XML
cat >Program.cs <<'CS'
var before = Environment.CpuUsage.TotalTime;
await Task.Delay(TimeSpan.FromSeconds(3));
var used = Environment.CpuUsage.TotalTime - before;
Console.WriteLine($"{(used > TimeSpan.FromSeconds(1) ? "busy" : "idle")}, year {DateTime.UtcNow.Year}");
CS
dotnet build -c Release -v q -o out >/dev/null
run() { env LD_PRELOAD="$library" FAKETIME='@2031-01-01 00:00:00' FAKETIME_DONT_FAKE_MONOTONIC=1 "$@" dotnet out/finding.dll; }
seen=$(echo "default: $(run)"; echo "fix off: $(run FAKETIME_FORCE_MONOTONIC_FIX=0)")
echo "$seen"
[ "$seen" = "default: busy, year 2031
fix off: idle, year 2031" ]

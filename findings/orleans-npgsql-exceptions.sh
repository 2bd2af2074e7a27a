#!/usr/bin/env bash
# Microsoft.Orleans 10.4.2 with Npgsql 10.0.3: an NpgsqlException that a grain throws, or that fails its activation, never reaches the caller.
#
# A good guess: exceptions cross a grain call, as System's and Microsoft.Data.Sqlite's do. What happens: Orleans serializes by itself exceptions of the
# namespaces System, Microsoft and Azure alone. For others the caller gets CodecNotFoundException: a caller that looks for the database's failure, to wait and
# repeat the call, sees an error of the serializer, with Orleans' own ADO.NET providers for PostgreSQL as well.
#
# Seen: "System: IOException", "Sqlite: SqliteException", "Npgsql: CodecNotFoundException", "Npgsql with its prefix: NpgsqlException".
# The last line is the way out: ExceptionSerializationOptions.SupportedNamespacePrefixes.Add("Npgsql").
# Exits 0 when the output is as seen, 1 when it changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
cat >finding.csproj <<'XML'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup><OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework><ImplicitUsings>enable</ImplicitUsings><Nullable>enable</Nullable></PropertyGroup>
  <ItemGroup>
    <PackageReference Include="Microsoft.Orleans.Server" Version="[10.4.2]" />
    <PackageReference Include="Microsoft.Orleans.Client" Version="[10.4.2]" />
    <PackageReference Include="Npgsql" Version="[10.0.3]" />
    <PackageReference Include="Microsoft.Data.Sqlite" Version="[10.0.15]" />
  </ItemGroup>
</Project>
XML
cat >Program.cs <<'CS'
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Orleans.Serialization;

foreach (var hasPrefix in new[] { false, true })
{
    using var silo = Build(builder => builder.UseOrleans(silo => silo.UseLocalhostClustering()), hasPrefix);
    await silo.StartAsync();
    using var client = Build(builder => builder.UseOrleansClient(client => client.UseLocalhostClustering()), hasPrefix);
    await client.StartAsync();
    var grain = client.Services.GetRequiredService<IClusterClient>().GetGrain<IThrower>("one");
    if (!hasPrefix)
    {
        await TellAsync("System", grain.ThrowIO());
        await TellAsync("Sqlite", grain.ThrowSqlite());
    }

    await TellAsync(hasPrefix ? "Npgsql with its prefix" : "Npgsql", grain.ThrowNpgsql());
    await client.StopAsync();
    await silo.StopAsync();
}

static IHost Build(Action<HostApplicationBuilder> configure, bool hasPrefix)
{
    var builder = Host.CreateApplicationBuilder();
    builder.Logging.ClearProviders();
    configure(builder);
    if (hasPrefix) builder.Services.Configure<ExceptionSerializationOptions>(options => options.SupportedNamespacePrefixes.Add("Npgsql"));
    return builder.Build();
}

static async Task TellAsync(string what, Task call)
{
    try
    {
        await call;
        Console.WriteLine($"{what}: nothing");
    }
    catch (Exception failure)
    {
        Console.WriteLine($"{what}: {failure.GetType().Name}");
    }
}

public interface IThrower : IGrainWithStringKey { Task ThrowIO(); Task ThrowSqlite(); Task ThrowNpgsql(); }

public sealed class ThrowerGrain : Grain, IThrower
{
    public Task ThrowIO() => throw new IOException("gone");
    public Task ThrowSqlite() => throw new SqliteException("gone", 10);
    public Task ThrowNpgsql() => throw new NpgsqlException("gone");
}
CS
dotnet build -c Release -v q >build.log 2>&1 || { cat build.log; exit 1; }
dotnet bin/Release/net10.0/finding.dll | tee output
diff output - <<'EXPECTED'
System: IOException
Sqlite: SqliteException
Npgsql: CodecNotFoundException
Npgsql with its prefix: NpgsqlException
EXPECTED

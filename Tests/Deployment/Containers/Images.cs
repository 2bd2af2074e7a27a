using System.Runtime.InteropServices;
using Emu3.Benchmarks.Processes;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Deployment.Containers;

/// <summary>
/// The images that <c>overlays/kind</c> names. Ours are built from <c>k8s/image/Dockerfile</c>; what that, or a manifest, takes from a registry is put
/// together from this machine's own packages and its .NET, under the same name. Each is built when what it is made from has changed, and kept.
/// </summary>
internal sealed class Images(Podman podman)
{
    public const string Emu3 = "localhost/emu3:dev";
    public const string Tiny = "localhost/emu3-tiny:dev";
    public const string Runtime = "mcr.microsoft.com/dotnet/aspnet:10.0-noble-chiseled-extra";
    private const string Sdk = "mcr.microsoft.com/dotnet/sdk:10.0";
    private const string Postgres = "docker.io/library/postgres:17";
    private const string KeyLabel = "emu3.tests.key";
    private static readonly string[] s_runtimePackages = ["base-files", "libc6", "libgcc-s1", "libstdc++6", "libssl3*", "zlib1g", "libicu[0-9][0-9]", "ca-certificates", "tzdata"];
    private static readonly string[] s_shellPackages = ["bash", "dash", "coreutils", "libc-bin", "libacl1", "libattr1", "libgmp10", "libselinux1", "libpcre2-8-0", "libtinfo6"];

    /// <summary>Where .NET is on this machine.</summary>
    private static readonly string s_dotnet = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."));

    /// <summary>Builds what is not there, or is of other sources.</summary>
    public async Task MakeAsync(CancellationToken cancellationToken)
    {
        var runtime = await MakeRuntimeAsync(cancellationToken);
        await MakePostgresAsync(cancellationToken);
        var key = ContentKey.OfContext(Repository.Root, await File.ReadAllTextAsync(Dockerfile, cancellationToken), runtime);
        if (await HasAsync(Emu3, key, cancellationToken) && await HasAsync(Tiny, key, cancellationToken)) return;
        await MakeSdkAsync(cancellationToken);
        await BuildAsync(key, cancellationToken);
        await podman.RunAsync(["image", "prune", "--force"], cancellationToken); // what the names led to before
    }

    /// <summary>Bytes of an image with all its layers.</summary>
    public async Task<long> SizeOfAsync(string image, CancellationToken cancellationToken) =>
        long.Parse(await podman.DoAsync(["image", "inspect", "--format={{.Size}}", image], cancellationToken), System.Globalization.CultureInfo.InvariantCulture);

    private static string Dockerfile => Repository.PathTo("k8s", "image", "Dockerfile");

    /// <summary>Like the chiseled image of .NET: no shell, no package manager, a user that is not root.</summary>
    private async Task<string> MakeRuntimeAsync(CancellationToken cancellationToken)
    {
        var (versions, files) = await HostFiles.OfPackagesAsync(s_runtimePackages);
        return await ImportAsync(
            Runtime, versions + RuntimeInformation.FrameworkDescription, files.Concat(Directory.EnumerateFiles("/etc/ssl/certs")), [.. "dotnet host shared".Split(' ')],
            ["ENV PATH=/usr/share/dotnet:/usr/bin:/bin", "ENV APP_UID=1654", "ENV ASPNETCORE_HTTP_PORTS=8080", "ENV DOTNET_RUNNING_IN_CONTAINER=true", "USER 1654"], cancellationToken);
    }

    /// <summary>A shell to build in. .NET's SDK is mounted into it.</summary>
    private async Task MakeSdkAsync(CancellationToken cancellationToken)
    {
        var (versions, files) = await HostFiles.OfPackagesAsync([.. s_runtimePackages, .. s_shellPackages]);
        await ImportAsync(
            Sdk, versions, files.Concat(Directory.EnumerateFiles("/etc/ssl/certs")), [],
            [
                "ENV PATH=/usr/share/dotnet:/usr/bin:/bin", "ENV HOME=/root", "ENV SSL_CERT_DIR=/etc/ssl/certs", "ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt",
                "ENV NUGET_CERT_REVOCATION_MODE=offline", "ENV DOTNET_GENERATE_ASPNET_CERTIFICATE=false", "ENV DOTNET_CLI_WORKLOAD_UPDATE_NOTIFY_DISABLE=true",
            ], cancellationToken);
    }

    /// <summary>The version that this machine has, with the variables and the data folder of the official image.</summary>
    private async Task MakePostgresAsync(CancellationToken cancellationToken)
    {
        var programs = Directory.GetDirectories("/usr/lib/postgresql").Order(StringComparer.Ordinal).Last();
        var version = Path.GetFileName(programs);
        var (versions, files) = await HostFiles.OfPackagesAsync(["base-files", "libc6", "tzdata", .. s_shellPackages, $"postgresql-{version}", $"postgresql-client-{version}"]);
        var libraries = await HostFiles.LibrariesOfAsync(((string[])["postgres", "initdb", "pg_ctl", "createdb", "psql"]).Select(program => Path.Combine(programs, "bin", program)));
        var script = PostgresScript.Replace("@VERSION@", version, StringComparison.Ordinal);
        await ImportAsync(
            Postgres, versions + script, files.Where(file => !file.Contains("llvmjit", StringComparison.Ordinal)).Concat(libraries), [],
            ["ENV PATH=/usr/bin:/bin", "STOPSIGNAL SIGINT", "ENTRYPOINT [\"/entrypoint.sh\"]"], cancellationToken, ("entrypoint.sh", script));
    }

    /// <returns>The image's key.</returns>
    private async Task<string> ImportAsync(
        string tag, string versions, IEnumerable<string> files, string[] dotnet, string[] changes, CancellationToken cancellationToken, params (string Name, string Text)[] scripts)
    {
        var key = ContentKey.Of([versions, .. dotnet, .. changes]);
        if (await HasAsync(tag, key, cancellationToken)) return key;
        using var folder = new TemporaryFolder();
        var (list, archive, made) = (folder.PathTo("list"), folder.PathTo("image.tar"), Directory.CreateDirectory(folder.PathTo("made")).FullName);
        await File.WriteAllLinesAsync(list, files.Distinct().Order(StringComparer.Ordinal).Select(file => file[1..]), cancellationToken);
        await SystemCommand.DoAsync("tar", "-C", "/", "-cf", archive, "--no-recursion", "-T", list);
        foreach (var (name, text) in scripts) await WriteAsync(made, name, text, "0755");
        await WriteAsync(made, "etc/passwd", "root:x:0:0:root:/root:/bin/sh\npostgres:x:999:999::/var/lib/postgresql:/bin/sh\napp:x:1654:1654::/home/app:/bin/false\n", "0644");
        await WriteAsync(made, "etc/group", "root:x:0:\npostgres:x:999:\napp:x:1654:\n", "0644");
        foreach (var place in (string[])["tmp", "root", "proc", "sys", "dev"]) Directory.CreateDirectory(Path.Combine(made, place));
        await SystemCommand.DoAsync("chmod", "1777", Path.Combine(made, "tmp"));
        await SystemCommand.DoAsync("tar", "-C", made, "-rf", archive, ".");
        if (dotnet.Length > 0) await SystemCommand.DoAsync("tar", ["-C", s_dotnet, "-rf", archive, "--transform=s,^,usr/share/dotnet/,", .. dotnet]);
        await podman.DoAsync(["import", .. changes.Append($"LABEL {KeyLabel}={key}").Select(change => $"--change={change}"), archive, tag], cancellationToken);
        return key;
    }

    private static async Task WriteAsync(string folder, string name, string text, string mode)
    {
        var path = Path.Combine(folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        await File.WriteAllTextAsync(path, text);
        await SystemCommand.DoAsync("chmod", mode, path);
    }

    /// <summary>As a person builds them (<c>make images</c>), but for what is mounted: this machine's .NET, and the packages that it has.</summary>
    private async Task BuildAsync(string key, CancellationToken cancellationToken)
    {
        var home = Environment.GetEnvironmentVariable("HOME") is { Length: > 0 } folder ? folder : "/root";
        var packages = Environment.GetEnvironmentVariable("NUGET_PACKAGES") is { Length: > 0 } other ? other : Path.Combine(home, ".nuget", "packages");
        string[] flags =
        [
            "--pull=never", "--network=host", $"--label={KeyLabel}={key}", $"--volume={s_dotnet}:/usr/share/dotnet:ro",
            $"--volume={packages}:/root/.nuget/packages", $"--volume={Path.Combine(home, ".nuget", "NuGet")}:/root/.nuget/NuGet:ro",
        ];
        var end = await podman.RunProgramAsync(
            Repository.PathTo("k8s", "image", "build"), [], new Dictionary<string, string> { ["BUILDER"] = "podman", ["BUILD_FLAGS"] = string.Join(' ', flags) }, cancellationToken);
        if (end.ExitCode != 0) throw new InvalidOperationException($"The images can't be built: {end.Output}{end.Error}");
    }

    private async Task<bool> HasAsync(string tag, string key, CancellationToken cancellationToken) =>
        await podman.RunAsync(["image", "inspect", $"--format={{{{index .Labels \"{KeyLabel}\"}}}}", tag], cancellationToken) is { ExitCode: 0 } found && found.Output == key;

    /// <summary>What the official image's start does with the variables that our manifests set.</summary>
    private const string PostgresScript = """
        #!/bin/sh
        set -eu
        export PATH=/usr/lib/postgresql/@VERSION@/bin:$PATH
        if [ ! -s "$PGDATA/PG_VERSION" ]; then
          initdb -U "$POSTGRES_USER" --pwfile="$POSTGRES_PASSWORD_FILE" --auth-local=trust --auth-host=scram-sha-256 -E UTF8 --locale=C "$PGDATA"
          pg_ctl -D "$PGDATA" -w -o "-c listen_addresses='' -c jit=off" start
          [ "$POSTGRES_DB" = postgres ] || createdb -U "$POSTGRES_USER" -h /var/run/postgresql "$POSTGRES_DB"
          pg_ctl -D "$PGDATA" -m fast -w stop
          echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
        fi
        exec postgres -D "$PGDATA" -c listen_addresses='*' -c jit=off
        """;
}

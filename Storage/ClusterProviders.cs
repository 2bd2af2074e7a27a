using Emu3.Storage.Clocks;
using Emu3.Storage.Embedded;
using Emu3.Storage.Postgres;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Messaging;
using Orleans.Runtime.Hosting;
using Orleans.Serialization;

namespace Emu3.Storage;

/// <summary>The one place that turns <see cref="ClusterConnection"/> into Orleans providers; silos and clients both call it.</summary>
public static class ClusterProviders
{
    /// <summary>Name of the storage provider of all our grains.</summary>
    public const string GrainStorage = "emu3";

    /// <summary>Key of the <see cref="SqliteDb"/> that holds a silo's state.</summary>
    public const string StateDatabase = "emu3.state";

    /// <summary>Name under which Orleans streams keep their subscriptions.</summary>
    private const string PubSubStore = "PubSubStore";

    private const string MembershipKey = "emu3.membership";

    private static readonly string[] s_storages = [GrainStorage, PubSubStore];

    /// <summary>Membership, grain state, reminders and blobs of a silo.</summary>
    public static ISiloBuilder UseCluster(this ISiloBuilder silo, ClusterConnection connection)
    {
        AddShared(silo.Services, connection);
        if (connection.Provider == ClusterConnection.Postgres) silo.UsePostgres(connection, s_storages);
        else UseEmbedded(silo, connection);
        Steady(silo.Services);
        return silo;
    }

    /// <summary>The way to a cluster's gateways, and its blobs, for a client.</summary>
    public static IClientBuilder UseCluster(this IClientBuilder client, ClusterConnection connection)
    {
        AddShared(client.Services, connection);
        if (connection.Provider == ClusterConnection.Postgres)
        {
            client.UsePostgres(connection);
        }
        else
        {
            AddMembership(client.Services, connection);
            client.Services.AddSingleton<IGatewayListProvider>(services => services.GetRequiredService<SqliteMembershipTable>());
        }

        return client;
    }

    private static void UseEmbedded(ISiloBuilder silo, ClusterConnection connection)
    {
        AddMembership(silo.Services, connection);
        var folder = DataFolder.At(connection.DataFolder);
        silo.Services.AddKeyedSingleton(StateDatabase, (_, _) => new SqliteDb(folder.StateFile, SqliteGrainStorage.Schema + SqliteReminderTable.Schema));
        silo.Services.AddSingleton<IMembershipTable>(services => services.GetRequiredService<SqliteMembershipTable>());
        silo.AddReminders();
        silo.Services.AddSingleton<IReminderTable>(services =>
            ActivatorUtilities.CreateInstance<SqliteReminderTable>(services, services.GetRequiredKeyedService<SqliteDb>(StateDatabase)));
        foreach (var name in s_storages)
        {
            silo.Services.AddGrainStorage(name, (services, _) => new SqliteGrainStorage(
                services.GetRequiredKeyedService<SqliteDb>(StateDatabase), new RowSerializer(services.GetRequiredService<Serializer>())));
        }
    }

    private static void AddShared(IServiceCollection services, ClusterConnection connection)
    {
        services.Configure<ClusterOptions>(options => (options.ClusterId, options.ServiceId) = (connection.ClusterId, connection.ServiceId));
        services.TryAddSingleton(_ => connection.OpenBlobs());
        // What a grain throws reaches its caller as what it is, whatever library it comes from. Otherwise the caller gets an error of the serializer.
        services.Configure<ExceptionSerializationOptions>(options => options.SupportedExceptionTypeFilter = _ => true);
        // Orleans asks for its clocks by keys, one for each part of it.
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(provider => new SteadyTime(provider.GetRequiredService<TimeProvider>()));
        services.AddKeyedSingleton<TimeProvider>(KeyedService.AnyKey, (provider, _) => provider.GetRequiredService<SteadyTime>());
    }

    /// <summary>Puts <see cref="SteadyMembershipTable"/> before the membership table that was registered.</summary>
    private static void Steady(IServiceCollection services)
    {
        var table = services.Last(service => service.ServiceType == typeof(IMembershipTable));
        services.Remove(table);
        services.AddSingleton<IMembershipTable>(provider => new SteadyMembershipTable(
            (IMembershipTable)(table.ImplementationFactory?.Invoke(provider) ?? ActivatorUtilities.CreateInstance(provider, table.ImplementationType!)),
            new MemberTimes(provider.GetRequiredService<SteadyTime>(), ClusterTimes.MembershipSilence)));
    }

    private static void AddMembership(IServiceCollection services, ClusterConnection connection)
    {
        var folder = DataFolder.At(connection.DataFolder);
        services.AddKeyedSingleton(MembershipKey, (_, _) => new SqliteDb(folder.MembershipFile, SqliteMembershipTable.Schema));
        services.AddSingleton(provider => new SqliteMembershipTable(
            provider.GetRequiredKeyedService<SqliteDb>(MembershipKey), provider.GetRequiredService<IOptions<ClusterOptions>>(), ProcessMark.Mine));
    }
}

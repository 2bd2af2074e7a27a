using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Orleans.Serialization;

namespace Emu3.Storage.Postgres;

/// <summary>Orleans' ADO.NET providers on one PostgreSQL database, with one pool of connections a process.</summary>
internal static class PostgresProviders
{
    /// <summary>Membership, grain state and reminders.</summary>
    public static void UsePostgres(this ISiloBuilder silo, ClusterConnection connection, IEnumerable<string> storages)
    {
        AddDatabase(silo.Services, connection);
        silo.UseAdoNetClustering(options => options.Configure<NpgsqlDataSource>((clustering, database) =>
            (clustering.Invariant, clustering.DataSource) = (PostgresConnection.Invariant, database)));
        silo.UseAdoNetReminderService(options => options.Configure<NpgsqlDataSource>((reminders, database) =>
            (reminders.Invariant, reminders.DataSource) = (PostgresConnection.Invariant, database)));
        foreach (var name in storages)
        {
            silo.AddAdoNetGrainStorage(name, options => options.Configure<NpgsqlDataSource, Serializer>((storage, database, serializer) =>
            {
                (storage.Invariant, storage.DataSource) = (PostgresConnection.Invariant, database);
                storage.GrainStorageSerializer = new RowSerializer(serializer);
            }));
        }
    }

    /// <summary>The way to a cluster's gateways.</summary>
    public static void UsePostgres(this IClientBuilder client, ClusterConnection connection)
    {
        AddDatabase(client.Services, connection);
        client.UseAdoNetClustering(options => options.Configure<NpgsqlDataSource>((clustering, database) =>
            (clustering.Invariant, clustering.DataSource) = (PostgresConnection.Invariant, database)));
    }

    private static void AddDatabase(IServiceCollection services, ClusterConnection connection) =>
        services.AddSingleton(_ => PostgresConnection.Open(connection.ReadConnectionString()));
}

using Emu3.Storage;
using Emu3.Tests.Fakes;
using Emu3.Tests.Unit.Storage.Contracts;

namespace Emu3.Tests.Unit.Storage.Postgres;

[Trait("Suite", "Cluster")]
public sealed class PostgresMembershipContractTests(PostgresDatabase database) : MembershipContract, IClassFixture<PostgresDatabase>
{
    protected override ClusterConnection Connect() => new() { Provider = ClusterConnection.Postgres, ConnectionString = database.ConnectionString };
}

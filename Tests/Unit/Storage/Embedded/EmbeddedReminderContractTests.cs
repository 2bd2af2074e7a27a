using Emu3.Storage;
using Emu3.Tests.Fakes;
using Emu3.Tests.Unit.Storage.Contracts;

namespace Emu3.Tests.Unit.Storage.Embedded;

[Trait("Suite", "Fast")]
public sealed class EmbeddedReminderContractTests : ReminderContract
{
    private readonly TemporaryFolder _folder = new();

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _folder.Dispose();
    }

    protected override ClusterConnection Connect() => new() { DataFolder = _folder.FullPath };
}

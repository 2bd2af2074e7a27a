using Emu3.Observability;
using Emu3.Silo;
using Emu3.Storage;
using Emu3.Storage.Configuration;
using Emu3.Storage.Objects;
using Emu3.Storage.Postgres;

using var impatience = SecondSignal.EndsTheProcess();
try
{
    return await SiloProgram.RunAsync(args, CancellationToken.None);
}
catch (Exception wrong) when (wrong is ConfigurationException or DataFolderException or DatabaseException or ObjectStoreException)
{
    await Console.Error.WriteLineAsync(wrong.Message);
    return 2;
}

namespace Emu3.Cli.Devices;

/// <summary>What runs the engines of a cluster that a command has started.</summary>
internal interface ILocalDevices : IAsyncDisposable
{
    /// <summary>Fires when nothing more will be made here: no engine is left, and none will come.</summary>
    CancellationToken Ended { get; }

    /// <summary>Why <see cref="Ended"/> fired.</summary>
    string EndReason { get; }

    /// <summary>How they stand, in a few words for a person who waits.</summary>
    string Describe();
}

namespace Emu3.Tests;

/// <summary>
/// Tests that need the machine to themselves: those that start programs with an engine on every core, and those that watch or change what all tests of the process
/// share. They run after all others, one at a time. Beside each other, clusters of processes take as long as one after the other: they compute.
/// </summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;

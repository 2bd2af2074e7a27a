namespace Emu3.Tests;

/// <summary>
/// Tests that need the machine to themselves: those that watch the memory of the whole process, and those that start programs with an engine
/// on every core. They run after all others, one at a time.
/// </summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;

namespace Emu3.Tests;

/// <summary>
/// Tests that need the machine to themselves, or change what all tests of the process share: those that watch its memory, its instruments, its environment or its
/// working directory, and those that compare times. They run after all others, one at a time.
/// </summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;

namespace Emu3.Grains.Interfaces;

/// <summary>A grain could not store what it decided, and starts again from what is stored. Nothing is known about the call's effect: repeat it.</summary>
[GenerateSerializer, Alias("emu3.StateLost")]
public sealed class StateLostException(string cause) : Exception($"The state could not be stored: {cause}");

namespace Emu3.Inference.Vision;

/// <summary>A picture can't be read, or is of a size that is not allowed. The message says which and what is allowed, for the person who sent it.</summary>
public sealed class PictureException(string message) : Exception(message);

namespace Emu3.Inference.Weights;

/// <summary>A checkpoint can't be used. The message names the file, and the tensor or field, that is wrong, and what is allowed.</summary>
public sealed class CheckpointException(string message, Exception? cause = null) : Exception(message, cause);

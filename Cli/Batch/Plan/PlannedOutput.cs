namespace Emu3.Cli.Batch.Plan;

/// <summary>Names one output: an item's id and which of its n samples it is.</summary>
internal readonly record struct OutputKey(string Id, uint Sample)
{
    public override string ToString() => Sample == 0 ? Id : $"{Id} (sample {Sample})";
}

/// <summary>One output that the input asks for, with everything resolved.</summary>
/// <param name="Key">Its name.</param>
/// <param name="Index">Its place in the input, from 0.</param>
/// <param name="ItemIndex">Place of its item in the input, from 0.</param>
/// <param name="Seed">The seed that draws it.</param>
/// <param name="SpecHash">Changes with anything that changes the output: every field of the item, the model's weights.</param>
/// <param name="Extension">Of its file, with the dot; null for an answer, which has no file.</param>
internal sealed record PlannedOutput(OutputKey Key, int Index, int ItemIndex, ulong Seed, string SpecHash, string? Extension);

namespace Emu3.Inference.Engine;

/// <summary>A decoder on its device, with slots.</summary>
/// <param name="runner">Runs its steps.</param>
/// <param name="slotCount">Sequences at once.</param>
/// <param name="numericClass">Within which its tokens are equal, bit for bit.</param>
/// <param name="parts">What it is made of, the first to be disposed of first.</param>
internal sealed class LoadedDecoder(IModelRunner runner, int slotCount, NumericClass numericClass, params IReadOnlyList<IDisposable> parts) : IDisposable
{
    public IModelRunner Runner => runner;

    public int SlotCount => slotCount;

    public NumericClass NumericClass => numericClass;

    public void Dispose()
    {
        foreach (var part in parts)
            part.Dispose();
    }
}

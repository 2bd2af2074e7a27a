using Emu3.Inference.Cpu.Vision;
using Emu3.Inference.Engine;

namespace Emu3.Inference.Cpu;

/// <summary>Threads for pictures beside those of the passes.</summary>
/// <param name="vision">That uses them.</param>
/// <param name="own">For pictures alone.</param>
/// <param name="passes">The passes'.</param>
internal sealed class CpuPictureThreads(CpuVisionTokenizer vision, CpuThreads own, CpuThreads passes) : IPictureThreads
{
    public bool PassesHaveMore => passes.Count > own.Count;

    public void Use(bool ofPasses) => vision.Threads = ofPasses ? passes : own;
}

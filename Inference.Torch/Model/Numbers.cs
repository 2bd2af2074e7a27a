using Emu3.Inference.Weights;
using TorchSharp;

namespace Emu3.Inference.Model;

/// <summary>
/// Numbers for operations. TorchSharp wraps each number that an operation takes in a <see cref="Scalar"/>, whose finalizer frees native memory, and does not keep it
/// alive during the call: when the garbage collector runs then, the operation fails, or computes with another number (findings/torchsharp-scalar-freed.sh). So
/// no number is wrapped for one call. Constants are static, here or beside their use, and are never freed; others are readonly fields, or locals with <c>using</c>.
/// TorchSharp's own methods that wrap numbers, <c>a + b</c> and <c>a.add_(b)</c> among them, are not called. Tests/Architecture/ScalarTests.cs sees to both.
/// </summary>
internal static class Numbers
{
    public static readonly Scalar Zero, One, Two;

    static Numbers()
    {
        TorchNative.EnsureLoaded();
        Zero = 0;
        One = 1;
        Two = 2;
    }
}

using System.Runtime.InteropServices;
using Emu3.Inference.Weights;

namespace Emu3.Tests.Unit.Inference.Weights;

/// <summary>
/// glibc notes on each block of malloc whether the system mapped it by itself: such a block is the system's again as soon as it is freed. That note is looked
/// at, since what is resident depends on all that runs beside.
/// </summary>
[Trait("Suite", "Fast")]
public sealed unsafe class NativeHeapTests
{
    private const nuint MegaByte = 1 << 20;
    private const nuint IsMapped = 2; // IS_MMAPPED, in the size that stands before a block

    public NativeHeapTests() => Assert.SkipUnless(NativeHeap.ReturnLargeBlocks(), "There is no glibc here, or its malloc was set otherwise.");

    /// <summary>By itself glibc takes blocks from its heaps once a block of their size or larger was freed.</summary>
    [Fact]
    public void LargeBlock_AfterALargerOneWasFreed_IsTheSystemsAgainWhenItIsFreed()
    {
        foreach (var size in (nuint[])[16, 30])
        {
            NativeMemory.Free(NativeMemory.Alloc(size * MegaByte));
            Assert.True(AreMapped(8 * MegaByte));
            Assert.True(AreMapped(2 * MegaByte));
        }
    }

    /// <summary>Each thread has a heap of its own.</summary>
    [Fact]
    public void LargeBlock_OfAnotherThread_IsTheSystemsAgainWhenItIsFreed()
    {
        var isMapped = false;
        var thread = new Thread(() =>
        {
            NativeMemory.Free(NativeMemory.Alloc(30 * MegaByte));
            isMapped = AreMapped(8 * MegaByte);
        });
        thread.Start();
        thread.Join();
        Assert.True(isMapped);
    }

    /// <summary>What every step of a transformer needs is not asked of the system each time.</summary>
    [Fact]
    public void SmallBlock_StaysInTheHeap() => Assert.False(AreMapped(MegaByte / 4));

    /// <summary>Most of many at once: some find room that other tests have left free in a heap. They are never written to, so they take no memory.</summary>
    private static bool AreMapped(nuint bytes)
    {
        const int count = 256;
        var blocks = stackalloc nuint*[count];
        var mapped = 0;
        for (var i = 0; i < count; i++)
        {
            blocks[i] = (nuint*)NativeMemory.AlignedAlloc(bytes, 64); // aligned as libtorch aligns tensors
            if ((blocks[i][-1] & IsMapped) != 0) mapped++;
        }
        for (var i = 0; i < count; i++) NativeMemory.AlignedFree(blocks[i]);
        return mapped > count / 2;
    }
}

using System.Runtime.CompilerServices;

namespace Emu3.Inference.Cpu.Kernels;

/// <summary>How a number lies in memory, and how some of them become lanes.</summary>
internal unsafe interface IWeight
{
    /// <summary>Bytes of one.</summary>
    static abstract int Size { get; }

    static abstract TLanes Load<TLanes>(byte* from) where TLanes : unmanaged, ILanes<TLanes>;
}

internal readonly unsafe struct BFloat16Weight : IWeight
{
    public static int Size => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Load<TLanes>(byte* from) where TLanes : unmanaged, ILanes<TLanes> => TLanes.LoadBFloat16((ushort*)from);
}

internal readonly unsafe struct HalfWeight : IWeight
{
    public static int Size => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Load<TLanes>(byte* from) where TLanes : unmanaged, ILanes<TLanes> => TLanes.LoadHalf((ushort*)from);
}

internal readonly unsafe struct SingleWeight : IWeight
{
    public static int Size => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Load<TLanes>(byte* from) where TLanes : unmanaged, ILanes<TLanes> => TLanes.Load((float*)from);
}

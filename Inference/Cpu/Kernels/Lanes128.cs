using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Emu3.Inference.Cpu.Kernels;

/// <summary>A quarter of the sixteen lanes: NEON, and every machine whose wider registers .NET does not use.</summary>
/// <typeparam name="TFma">How a product and a sum are rounded once.</typeparam>
internal readonly unsafe struct Lanes128<TFma>(Vector128<float> v) : ILanes<Lanes128<TFma>>
    where TFma : struct, IFusedMultiplyAdd
{
    private readonly Vector128<float> v = v;

    public static int Count => 4;

    public static int TileRows => 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128<TFma> Create(float value) => new(Vector128.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128<TFma> Load(float* from) => new(Vector128.Load(from));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128<TFma> LoadBFloat16(ushort* from) => new(Vector128.ShiftLeft(Widening.ToVector128(from), 16).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128<TFma> LoadHalf(ushort* from) => new(Widening.Half(Widening.ToVector128(from)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Lanes128<TFma> lanes, float* to) => lanes.v.Store(to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128<TFma> FusedMultiplyAdd(Lanes128<TFma> a, Lanes128<TFma> b, Lanes128<TFma> c) => new(TFma.FusedMultiplyAdd(a.v, b.v, c.v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128<TFma> operator +(Lanes128<TFma> a, Lanes128<TFma> b) => new(a.v + b.v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128<TFma> operator -(Lanes128<TFma> a, Lanes128<TFma> b) => new(a.v - b.v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128<TFma> operator *(Lanes128<TFma> a, Lanes128<TFma> b) => new(a.v * b.v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128<TFma> operator /(Lanes128<TFma> a, Lanes128<TFma> b) => new(a.v / b.v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128<TFma> Max(Lanes128<TFma> a, Lanes128<TFma> b) => new(Vector128.Max(a.v, b.v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128<TFma> IfLess(Lanes128<TFma> a, Lanes128<TFma> b, Lanes128<TFma> then, Lanes128<TFma> otherwise) =>
        new(Vector128.ConditionalSelect(Vector128.LessThan(a.v, b.v), then.v, otherwise.v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128<TFma> IfNumber(Lanes128<TFma> x, Lanes128<TFma> then) => new(Vector128.ConditionalSelect(Vector128.Equals(x.v, x.v), then.v, x.v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128<TFma> Scale(Lanes128<TFma> value, Lanes128<TFma> shifted) => new((value.v.AsInt32() + Vector128.ShiftLeft(shifted.v.AsInt32(), 23)).AsSingle());
}

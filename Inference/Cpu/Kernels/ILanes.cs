namespace Emu3.Inference.Cpu.Kernels;

/// <summary>
/// A register of float32 lanes, and with it the order of every sum. A sum has sixteen lanes whatever the width of the machine's registers: element i goes
/// into lane i mod 16 by one fused multiply-add, in order; then the lanes are added in one fixed tree (<see cref="LaneSum"/>). Every operation here is exact
/// or rounded once as IEEE 754 says, so the bits are the same on AVX-512, on AVX2, on NEON and without any of them. Where a register holds fewer than
/// sixteen lanes a kernel runs several times over the same numbers, for some of the lanes each time.
/// </summary>
internal unsafe interface ILanes<T> where T : unmanaged, ILanes<T>
{
    /// <summary>Lanes in a register: 16, 8 or 4.</summary>
    static abstract int Count { get; }

    /// <summary>Rows of the largest tile of a product. Three outputs times these rows, the weights and one more must fit into the registers.</summary>
    static abstract int TileRows { get; }

    static abstract T Create(float value);

    static abstract T Load(float* from);

    /// <summary>Widens exactly.</summary>
    static abstract T LoadBFloat16(ushort* from);

    /// <summary>Widens exactly.</summary>
    static abstract T LoadHalf(ushort* from);

    static abstract void Store(T lanes, float* to);

    /// <summary>a·b + c, rounded once.</summary>
    static abstract T FusedMultiplyAdd(T a, T b, T c);

    static abstract T operator +(T a, T b);

    static abstract T operator -(T a, T b);

    static abstract T operator *(T a, T b);

    static abstract T operator /(T a, T b);

    /// <summary>The larger one; not a number if either is.</summary>
    static abstract T Max(T a, T b);

    /// <summary>Where a is less than b the third, else the fourth.</summary>
    static abstract T IfLess(T a, T b, T then, T otherwise);

    /// <summary>Where x is a number the second, else x.</summary>
    static abstract T IfNumber(T x, T then);

    /// <summary>value · 2ⁿ, n being the low bits of <paramref name="shifted"/> taken as an integer; the result must be a normal number.</summary>
    static abstract T Scale(T value, T shifted);
}

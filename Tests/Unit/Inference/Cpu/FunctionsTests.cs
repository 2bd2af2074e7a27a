using System.Runtime.Intrinsics;
using Emu3.Inference.Cpu.Kernels;

namespace Emu3.Tests.Unit.Inference.Cpu;

[Trait("Suite", "Fast")]
public sealed class FunctionsTests
{
    private static readonly float[] s_special =
    [
        0, -0f, 1, -1, float.Epsilon, -float.Epsilon, 1.1754944e-38f, float.MaxValue, float.MinValue, float.PositiveInfinity, float.NegativeInfinity, float.NaN,
        88.72283f, 88.7229f, -87.33654f, -87.3366f, 0.5f,
    ];

    [Fact]
    public void Exp_AnyNumber_IsWithinAUnitInTheLastPlace_WithTheSameBitsOnEveryPath()
    {
        var random = new Random(1);
        foreach (var x in s_special.Concat(Enumerable.Range(0, 20_000).Select(_ => (random.NextSingle() - 0.5f) * 180)))
        {
            var found = Functions.Exp<Lanes512>(x);
            Assert.Equal(BitConverter.SingleToInt32Bits(found), BitConverter.SingleToInt32Bits(Functions.Exp<Lanes256>(x)));
            Assert.Equal(BitConverter.SingleToInt32Bits(found), BitConverter.SingleToInt32Bits(Functions.Exp<Lanes128<HardwareFusedMultiplyAdd>>(x)));
            Assert.Equal(BitConverter.SingleToInt32Bits(found), BitConverter.SingleToInt32Bits(Functions.Exp<Lanes128<EmulatedFusedMultiplyAdd>>(x)));
            if (float.IsNaN(x))
                Assert.True(float.IsNaN(found));
            else if (x < -87.33654f)
                Assert.Equal(0, found);
            else if (x > 88.72283f)
                Assert.Equal(float.PositiveInfinity, found);
            else
                Assert.InRange(Math.Abs(found - Math.Exp(x)) / (MathF.BitIncrement(found) - found), 0, 1.01);
        }
    }

    [Fact]
    public void FusedMultiplyAdd_Emulated_RoundsOnce()
    {
        var random = new Random(2);
        var operands = new float[12];
        for (var turn = 0; turn < 100_000; turn++)
        {
            for (var i = 0; i < operands.Length; i++)
                operands[i] = (turn + i) % 7 == 0 ? s_special[random.Next(s_special.Length)]
                    : turn % 3 == 0 ? BitConverter.UInt32BitsToSingle((uint)random.NextInt64(1L << 32)) // any pattern
                    : (random.NextSingle() - 0.5f) * MathF.ScaleB(1, random.Next(-4, 5));
            for (var i = 0; i < 4 && turn % 2 == 0; i++)
                operands[8 + i] = -operands[i] * operands[4 + i] * (1 + random.Next(-2, 3) * MathF.ScaleB(1, -23)); // nearly cancels
            var (a, b, c) = (Vector128.Create(operands, 0), Vector128.Create(operands, 4), Vector128.Create(operands, 8));
            var found = EmulatedFusedMultiplyAdd.FusedMultiplyAdd(a, b, c);
            for (var i = 0; i < 4; i++)
            {
                var expected = MathF.FusedMultiplyAdd(a[i], b[i], c[i]);
                Assert.True(float.IsNaN(expected) ? float.IsNaN(found[i]) : BitConverter.SingleToInt32Bits(expected) == BitConverter.SingleToInt32Bits(found[i]),
                    $"{a[i]:R} · {b[i]:R} + {c[i]:R} is {expected:R}, not {found[i]:R}");
            }
        }
    }

    [Fact]
    public void Log_AnyNumber_IsWithinAUnitInTheLastPlace()
    {
        var random = new Random(3);
        foreach (var x in Enumerable.Range(0, 100_000).Select(_ => Math.ScaleB(random.NextDouble() + 0.5, random.Next(-30, 30))).Append(1).Append(1e6).Append(Math.BitDecrement(1.0)))
            RequireClose(Math.Log(x), DoubleFunctions.Log(x), x);
    }

    [Fact]
    public void Exp_InFloat64_IsWithinAUnitInTheLastPlace()
    {
        var random = new Random(4);
        foreach (var x in Enumerable.Range(0, 100_000).Select(_ => (random.NextDouble() - 0.5) * 1400).Append(0).Append(1e-300))
            RequireClose(Math.Exp(x), DoubleFunctions.Exp(x), x);
        Assert.Equal((0, double.PositiveInfinity), (DoubleFunctions.Exp(double.NegativeInfinity), DoubleFunctions.Exp(double.PositiveInfinity)));
        Assert.True(double.IsNaN(DoubleFunctions.Exp(double.NaN)));
    }

    [Fact]
    public void SinCos_AngleOfAPosition_IsRoundedOnce()
    {
        var random = new Random(5);
        for (var i = 0; i < 100_000; i++)
        {
            var angle = random.NextSingle() * (i % 2 == 0 ? 10_000f : 1_000_000f);
            Assert.Equal(((float)Math.Sin(angle), (float)Math.Cos(angle)), DoubleFunctions.SinCos(angle));
        }
    }

    private static void RequireClose(double expected, double found, double x) => Assert.True(
        Math.Abs(found - expected) <= 2 * (Math.BitIncrement(Math.Abs(expected)) - Math.Abs(expected)), $"of {x:R}: {found:R}, not {expected:R}"); // the library's own is off by up to one
}

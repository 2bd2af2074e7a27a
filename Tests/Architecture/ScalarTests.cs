using System.Reflection;
using System.Runtime.CompilerServices;
using Emu3.Benchmarks.GpuCounts;
using Emu3.Inference.Model;
using TorchSharp;
using static TorchSharp.torch;
using TorchScalar = TorchSharp.Scalar;

namespace Emu3.Tests.Architecture;

/// <summary>
/// TorchSharp does not keep a <see cref="TorchScalar"/> alive while native code reads it, and its finalizer frees it (findings/torchsharp-scalar-freed.sh). So a number that is
/// made a Scalar goes into a readonly field or a local with <c>using</c> before anything else, and no method of TorchSharp is called that makes Scalars itself.
/// The compiled code is read; what TorchSharp calls through an interface or a delegate of its caller's is not seen.
/// </summary>
[Trait("Suite", "Fast")]
public sealed class ScalarTests
{
    private const string Remedy = "Hold the number as Inference.Torch/Model/Numbers.cs says, and call the method that takes it: a.add(b, Numbers.One) for a + b. Found:\n";

    private static readonly Module s_torch = typeof(TorchScalar).Module;
    private static readonly Lazy<HashSet<int>> s_makers = new(FindMakers);

    [Theory]
    [InlineData(typeof(TorchBackend))]
    [InlineData(typeof(CountedModel))]
    [InlineData(typeof(ScalarTests))]
    public void Numbers_ForTorchSharp_OutliveTheCall(Type typeOfAssembly)
    {
        var found = MethodCode.MethodsOf(typeOfAssembly.Assembly).Where(method => method.DeclaringType != typeof(Planted)).SelectMany(Unheld).ToList();
        Assert.True(found.Count == 0, Remedy + string.Join('\n', found));
    }

    [Fact]
    public void Check_CodeWithEachFault_ReportsIt()
    {
        foreach (var method in MethodCode.MethodsOf(typeof(Planted)))
        {
            var isAllowed = method is ConstructorInfo || method.Name.StartsWith("Held", StringComparison.Ordinal);
            Assert.True(isAllowed == !Unheld(method).Any(), method.Name);
        }
    }

    /// <summary>The calls in a method that leave a Scalar to the garbage collector.</summary>
    private static IEnumerable<string> Unheld(MethodBase method)
    {
        var code = MethodCode.Read(method);
        for (var i = 0; i < code.Count; i++)
        {
            if (code[i].Called(method) is { } called && (IsConversion(called) ? !IsHeld(method, code, i + 1) : IsMaker(called)))
                yield return $"{method.DeclaringType}.{method.Name} calls {called.DeclaringType}: {called}";
        }
    }

    private static bool IsConversion(MethodBase called) => called.Module == s_torch
        && (called is MethodInfo { ReturnType: var result } ? result == typeof(TorchScalar) : called.DeclaringType == typeof(TorchScalar));

    private static bool IsMaker(MethodBase called) => called.Module == s_torch && s_makers.Value.Contains(called.MetadataToken);

    /// <summary>Whether an instruction puts what lies on the stack where it stays alive.</summary>
    private static bool IsHeld(MethodBase method, IReadOnlyList<MethodCode.Instruction> code, int at) =>
        code[at].StoredField(method) is { } field ? field.IsInitOnly : code[at].Local("stloc") is >= 0 and var local && IsDisposedOf(method, code, local);

    /// <summary>Whether a local variable is one with <c>using</c>: a finally clause loads it and calls Dispose.</summary>
    private static bool IsDisposedOf(MethodBase method, IReadOnlyList<MethodCode.Instruction> code, int local) =>
        method.GetMethodBody()!.ExceptionHandlingClauses.Where(clause => clause.Flags == ExceptionHandlingClauseOptions.Finally).Any(clause =>
        {
            var inside = code.Where(one => one.Offset >= clause.HandlerOffset && one.Offset < clause.HandlerOffset + clause.HandlerLength).ToList();
            return inside.Any(one => one.Local("ldloc") == local) && inside.Any(one => one.Called(method)?.Name == nameof(IDisposable.Dispose));
        });

    /// <summary>Methods of TorchSharp that make a Scalar, and those that call them.</summary>
    private static HashSet<int> FindMakers()
    {
        Dictionary<int, List<int>> callers = [];
        var found = new HashSet<int>();
        foreach (var method in MethodCode.MethodsOf(s_torch.Assembly).Where(method => !IsConversion(method)))
        {
            foreach (var instruction in MethodCode.Read(method))
            {
                if (instruction.Called(method) is not { } called || called.Module != s_torch)
                    continue;
                if (IsConversion(called))
                    found.Add(method.MetadataToken);
                else
                    AddCaller(called, method);
            }
            foreach (var step in method.GetCustomAttribute<StateMachineAttribute>() is { } machine ? MethodCode.MethodsOf(machine.StateMachineType) : [])
                AddCaller(step, method); // an iterator's code is elsewhere
            if (method is MethodInfo { IsVirtual: true } overriding && overriding.GetBaseDefinition() is var overridden && overridden != method && overridden.Module == s_torch)
                AddCaller(method, overridden); // whoever calls the one may run the other
        }
        var open = new Queue<int>(found);
        while (open.TryDequeue(out var maker))
        {
            foreach (var caller in callers.GetValueOrDefault(maker, []).Where(found.Add))
                open.Enqueue(caller);
        }
        return found;

        void AddCaller(MethodBase called, MethodBase caller)
        {
            if (!callers.TryGetValue(called.MetadataToken, out var list))
                callers[called.MetadataToken] = list = [];
            list.Add(caller.MetadataToken);
        }
    }

    /// <summary>Code as it is forbidden, and as it is allowed; it never runs.</summary>
    private sealed class Planted(double number)
    {
        private static readonly TorchScalar s_two = 2;
        private readonly TorchScalar own = number;
        private TorchScalar? replaceable;

        public static Tensor AddsWithoutFactor(Tensor x, Tensor y) => x.add_(y);

        public static Tensor AddsByOperator(Tensor x, Tensor y) => x + y;

        public static Tensor CallsWhatConvertsInside(Tensor x) => linalg.vector_norm(x, 2, [-1], keepdim: true);

        public static Tensor CallsWhatCallsSuch(Tensor x) => nn.functional.softsign(x);

        public static Tensor ConvertsInTheCall(Tensor x) => x.mul(2f);

        public static Tensor ConvertsByName(Tensor x) => x.mul(2.ToScalar());

        public static Func<Tensor, Tensor> PassesTheMethodOn(Tensor x) => x.add_;

        public static Tensor ConvertsIntoALocal(Tensor x)
        {
            TorchScalar two = 2;
            return x.mul(two).mul(two);
        }

        public Tensor ConvertsIntoAFieldThatMayBeOverwritten(Tensor x)
        {
            replaceable = 2;
            return x.mul(replaceable);
        }

        public static Tensor HeldByUsing(Tensor x)
        {
            using TorchScalar two = 2, three = 3;
            return x.mul(two).mul(three);
        }

        public static Tensor HeldByAStaticField(Tensor x) => x.mul(s_two).add(x, s_two);

        public Tensor HeldByAField(Tensor x) => x.mul(own);
    }
}

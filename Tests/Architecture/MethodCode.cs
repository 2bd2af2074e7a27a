using System.Globalization;
using System.Reflection;
using System.Reflection.Emit;

namespace Emu3.Tests.Architecture;

/// <summary>The compiled code of methods, one instruction after the other.</summary>
internal static class MethodCode
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;

    private static readonly Dictionary<short, OpCode> s_codes = typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(field => (OpCode)field.GetValue(null)!).ToDictionary(code => code.Value);

    /// <param name="Offset">In bytes from the start of the method.</param>
    /// <param name="Code">What it does.</param>
    /// <param name="Operand">A token or an index; 0 where there is none, or one of another kind.</param>
    public readonly record struct Instruction(int Offset, OpCode Code, int Operand)
    {
        /// <summary>The local variable that it stores to ("stloc") or loads ("ldloc"); −1 if it does something else.</summary>
        public int Local(string verb) => !Code.Name!.StartsWith(verb, StringComparison.Ordinal) ? -1
            : Code.OperandType == OperandType.InlineNone ? int.Parse(Code.Name[^1..], CultureInfo.InvariantCulture) : Operand; // stloc.0 to stloc.3 name it

        /// <summary>The method that it calls, or makes a delegate of; null if it does something else.</summary>
        public MethodBase? Called(MethodBase method) =>
            Code.OperandType == OperandType.InlineMethod ? method.Module.ResolveMethod(Operand, TypeArguments(method), MethodArguments(method)) : null;

        /// <summary>The field that it stores to; null if it does something else.</summary>
        public FieldInfo? StoredField(MethodBase method) =>
            Code == OpCodes.Stfld || Code == OpCodes.Stsfld ? method.Module.ResolveField(Operand, TypeArguments(method), MethodArguments(method)) : null;
    }

    /// <summary>All methods and constructors of an assembly, those that the compiler made too.</summary>
    public static IEnumerable<MethodBase> MethodsOf(Assembly assembly) => assembly.GetTypes().SelectMany(MethodsOf);

    public static IEnumerable<MethodBase> MethodsOf(Type type) => type.GetMembers(Declared).OfType<MethodBase>();

    /// <summary>Nothing for a method without code.</summary>
    public static IReadOnlyList<Instruction> Read(MethodBase method)
    {
        List<Instruction> instructions = [];
        var code = method.GetMethodBody()?.GetILAsByteArray() ?? [];
        for (var at = 0; at < code.Length;)
        {
            var offset = at;
            var opCode = s_codes[code[at] == 0xFE ? unchecked((short)(0xFE00 | code[++at])) : code[at]];
            at++;
            var size = opCode.OperandType switch
            {
                OperandType.InlineNone => 0,
                OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                OperandType.InlineVar => 2,
                OperandType.InlineI8 or OperandType.InlineR => 8,
                OperandType.InlineSwitch => sizeof(int) * (1 + BitConverter.ToInt32(code, at)),
                _ => 4,
            };
            instructions.Add(new(offset, opCode, size switch { 1 => code[at], 2 => BitConverter.ToUInt16(code, at), 4 => BitConverter.ToInt32(code, at), _ => 0 }));
            at += size;
        }
        return instructions;
    }

    private static Type[]? TypeArguments(MethodBase method) => method.DeclaringType is { IsGenericType: true } type ? type.GetGenericArguments() : null;

    private static Type[]? MethodArguments(MethodBase method) => method.IsGenericMethod ? method.GetGenericArguments() : null;
}

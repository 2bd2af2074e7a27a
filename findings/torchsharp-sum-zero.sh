#!/usr/bin/env bash
# TorchSharp 0.107.0: tensor.sum(0) is not the sum along dimension 0. It adds up the whole tensor, as bytes.
#
# Tensor has sum(ScalarType? type = null) beside sum(long dim, bool keepdim = false, ScalarType? type = null). In C# the literal 0, and no other number, converts
# to any enum, and the overload without further optional parameters is the better one: sum(0) is sum(ScalarType.Byte), while sum(1) and sum(-1) are sums along a
# dimension. The result has no dimensions and wraps at 256; nothing warns. A guess would be that sum(0) means what it does in Python. Write sum(dim: 0).
#
# The program asks the compiled code which overload was taken, so that the native library need not load.
# Seen on Linux x64 with SDK 10.0.401:
#   sum(0): Nullable`1 type
#   sum(1): Int64 dim, Boolean keepdim, Nullable`1 type
# Exits non-zero when that changes.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat > app.csproj <<'X'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup><OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework><ImplicitUsings>enable</ImplicitUsings></PropertyGroup>
  <ItemGroup><PackageReference Include="TorchSharp" Version="[0.107.0]" /></ItemGroup>
</Project>
X
cat > Program.cs <<'X'
using TorchSharp;
Tell("sum(0)", tensor => tensor.sum(0));
Tell("sum(1)", tensor => tensor.sum(1));

static void Tell(string written, Func<torch.Tensor, torch.Tensor> call)
{
    var code = call.Method.GetMethodBody()!.GetILAsByteArray()!;
    var at = Array.IndexOf(code, (byte)0x6F); // callvirt
    var called = call.Method.Module.ResolveMethod(BitConverter.ToInt32(code, at + 1))!;
    Console.WriteLine($"{written}: {string.Join(", ", called.GetParameters().Select(parameter => $"{parameter.ParameterType.Name} {parameter.Name}"))}");
}
X
found=$(dotnet run -c Release 2>/dev/null)
echo "$found"
[ "$found" = 'sum(0): Nullable`1 type
sum(1): Int64 dim, Boolean keepdim, Nullable`1 type' ]

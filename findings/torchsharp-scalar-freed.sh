#!/usr/bin/env bash
# TorchSharp 0.107.0: a number that is passed to an operation may be freed while the operation reads it. The operation throws, or computes with another number.
#
# x.add(y, alpha: 2) wraps 2 in a Scalar, whose finalizer frees native memory. The method takes Scalar.Handle, an IntPtr, and calls native code with it; nothing
# keeps the Scalar alive meanwhile (no GC.KeepAlive, no SafeHandle). When another thread's garbage collection and its finalizer come between, native code reads
# freed memory: mostly that is no number at all ("Expected false to be true"); where another thread's Scalar took the place, the sum is wrong and nothing tells.
# Methods that make Scalars themselves have it too: x + y and x.add(y) wrap the 1 that y is multiplied by. A guess would be that arguments live until the
# call returns. A local variable is no help, since it is dead once it was read; what is used after the call is alive: `using Scalar two = 2;`, or a static field.
#
# One thread collects all the time, so that it shows within seconds: about once in 4,000 calls here. In a program under load it is rare.
# MALLOC_ARENA_MAX=1 and no thread caches let threads of glibc's malloc reuse each other's memory soon, which wrong sums need: one in 130,000 calls here, none
# in 10 million with the defaults. GLIBCXX_3.4.32, which the native library asks for and does not use, is marked as not needed (for Debian 12).
#
# Seen on Linux x64 with SDK 10.0.401 and libtorch-cpu-linux-x64 2.10.0:
#   x.add(y, alpha: 2): throws
#   x + y: throws
#   Scalar two = 2: throws
#   using Scalar two = 2: no failure
#   x.add(y, alpha: 2) beside alpha: 3: another sum
# Exits non-zero when that changes. Takes a minute or two, and 1 GB of disk for libtorch.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat > app.csproj <<'X'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup><OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework><ImplicitUsings>enable</ImplicitUsings><RuntimeIdentifier>linux-x64</RuntimeIdentifier><SelfContained>false</SelfContained></PropertyGroup>
  <ItemGroup><PackageReference Include="TorchSharp" Version="[0.107.0]" /><PackageReference Include="libtorch-cpu-linux-x64" Version="[2.10.0]" /></ItemGroup>
</Project>
X
cat > Program.cs <<'X'
using System.Diagnostics;
using TorchSharp;

torch.set_num_threads(1);
var isOver = false;
var collector = new Thread(() =>
{
    while (!Volatile.Read(ref isOver)) { GC.Collect(0); GC.WaitForPendingFinalizers(); }
});
collector.Start();

Console.WriteLine($"x.add(y, alpha: 2): {Run("throws", 120, (2, (x, y) => x.add(y, alpha: 2)))}");
Console.WriteLine($"x + y: {Run("throws", 120, (1, (x, y) => x + y))}");
Console.WriteLine($"Scalar two = 2: {Run("throws", 120, (2, (x, y) => { Scalar two = 2; return x.add(y, alpha: two); }))}");
Console.WriteLine($"using Scalar two = 2: {Run(null, 30, (2, (x, y) => { using Scalar two = 2; return x.add(y, alpha: two); }))}");
Console.WriteLine($"x.add(y, alpha: 2) beside alpha: 3: {Run("another sum", 120, (2, (x, y) => x.add(y, alpha: 2)), (3, (x, y) => x.add(y, alpha: 3)))}");
Volatile.Write(ref isOver, true);
collector.Join();

// 0 + 1 · factor, each on two threads, until the awaited failure is seen (null: until any is), or the time is over.
static string Run(string? awaited, int seconds, params (float Sum, Func<torch.Tensor, torch.Tensor, torch.Tensor> Add)[] additions)
{
    var (found, watch) = ("no failure", Stopwatch.StartNew());
    var isDone = false;
    var threads = additions.Concat(additions).Select(addition => new Thread(() =>
    {
        using torch.Tensor x = torch.zeros(4), y = torch.ones(4);
        while (!Volatile.Read(ref isDone) && watch.Elapsed.TotalSeconds < seconds)
        {
            string? failure = null;
            try
            {
                using var sum = addition.Add(x, y);
                if (sum.data<float>()[0] != addition.Sum) failure = "another sum";
            }
            catch (Exception)
            {
                failure = "throws";
            }
            if (failure is null || (awaited is not null && failure != awaited)) continue;
            found = failure;
            Volatile.Write(ref isDone, true);
        }
    })).ToList();
    threads.ForEach(thread => thread.Start());
    threads.ForEach(thread => thread.Join());
    return found;
}
X
dotnet build -c Release -v q >build.log 2>&1 || { cat build.log; exit 1; }
cd bin/Release/net10.0/linux-x64
if at=$(LC_ALL=C grep -obUaP '\x42\xf8\x97\x02\x00\x00' libLibTorchSharp.so | cut -d: -f1); then # the hash of GLIBCXX_3.4.32 in the table of needed versions, then flags
  printf '\x02' | dd of=libLibTorchSharp.so bs=1 seek=$((at + 4)) conv=notrunc status=none
fi
found=$(GLIBC_TUNABLES=glibc.malloc.tcache_count=0 MALLOC_ARENA_MAX=1 dotnet app.dll)
echo "$found"
[ "$found" = 'x.add(y, alpha: 2): throws
x + y: throws
Scalar two = 2: throws
using Scalar two = 2: no failure
x.add(y, alpha: 2) beside alpha: 3: another sum' ]

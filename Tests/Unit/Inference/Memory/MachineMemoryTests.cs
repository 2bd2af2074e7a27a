using Emu3.Inference.Memory;
using Emu3.Tests.Unit.Inference.Weights;

namespace Emu3.Tests.Unit.Inference.Memory;

/// <summary>What a process may take, by the kernel's files as machines and containers have them.</summary>
[Trait("Suite", "Fast")]
public sealed class MachineMemoryTests : IDisposable
{
    private const long Gib = 1L << 30;
    private readonly TemporaryFolder root = new();

    public MachineMemoryTests() => root.Write("proc/meminfo", $"MemTotal:       {24 * Gib / 1024} kB\nMemFree:         1000 kB\nMemAvailable:   {20 * Gib / 1024} kB\n");

    public void Dispose() => root.Dispose();

    [Fact]
    public void Read_OnAMachine_IsWhatTheKernelSays() => Assert.Equal(new(24 * Gib, 20 * Gib, false), MachineMemory.Read(root.Path));

    [Fact]
    public void Read_InAGroupOfVersion2_TakesTheTightestOfAllAbove()
    {
        root.Write("proc/self/cgroup", "0::/pods/mine\n");
        root.Write("sys/fs/cgroup/pods/mine/memory.max", "max\n");
        root.Write("sys/fs/cgroup/pods/mine/memory.current", "1000\n");
        Group("sys/fs/cgroup/pods", "memory.max", 8 * Gib, "memory.current", 5 * Gib, "inactive_file", 1 * Gib, "active_file", 2 * Gib);
        Assert.Equal(new(8 * Gib, 6 * Gib, true), MachineMemory.Read(root.Path)); // cached files are given back
    }

    [Fact]
    public void Read_InsideAContainerWhosePathIsToldFromOutside_FindsTheMountsOwnLimit()
    {
        root.Write("proc/self/cgroup", "12:cpu,cpuacct:/docker/abc\n9:memory:/docker/abc\n0::/\n");
        Group("sys/fs/cgroup/memory", "memory.limit_in_bytes", 4 * Gib, "memory.usage_in_bytes", 1 * Gib, "total_inactive_file", 0, "total_active_file", Gib / 2);
        Assert.Equal(new(4 * Gib, 3 * Gib + Gib / 2, true), MachineMemory.Read(root.Path));
    }

    [Fact]
    public void Read_InAGroupWithoutALimit_IsTheMachines()
    {
        root.Write("proc/self/cgroup", "4:memory:/some/group\n");
        foreach (var folder in (string[])["sys/fs/cgroup/memory", "sys/fs/cgroup/memory/some/group"])
            Group(folder, "memory.limit_in_bytes", 9223372036854771712, "memory.usage_in_bytes", 1 * Gib, "total_inactive_file", 0, "total_active_file", 0);
        Assert.Equal(new(24 * Gib, 20 * Gib, false), MachineMemory.Read(root.Path));
    }

    [Fact]
    public void Read_OfThisProcess_IsPossible()
    {
        var memory = MachineMemory.Read();
        Assert.InRange(memory.AvailableBytes, 1, memory.TotalBytes);
    }

    private void Group(string folder, string limitName, long limit, string usedName, long used, string first, long inactive, string second, long active)
    {
        root.Write($"{folder}/{limitName}", $"{limit}\n");
        root.Write($"{folder}/{usedName}", $"{used}\n");
        root.Write($"{folder}/memory.stat", $"anon 17\n{first} {inactive}\n{second} {active}\n");
    }
}

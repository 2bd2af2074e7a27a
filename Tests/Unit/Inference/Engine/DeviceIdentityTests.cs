using Emu3.Inference;
using Emu3.Inference.Engine;

namespace Emu3.Tests.Unit.Inference.Engine;

[Trait("Suite", "Fast")]
public sealed class DeviceIdentityTests
{
    private static readonly byte[] s_gpu = Convert.FromHexString("5fd4f08786f37a43b7114771313afc50");
    private static readonly byte[] s_part = Convert.FromHexString("c6d4f1ef42e85c1c8f3b0b1d3c2a1908");

    [Fact]
    public void Uuid_IsWrittenAsNvidiaWritesIt()
    {
        Assert.Equal("GPU-5fd4f087-86f3-7a43-b711-4771313afc50", CudaDriver.FormatUuid(s_gpu, s_gpu));
        Assert.Equal("MIG-c6d4f1ef-42e8-5c1c-8f3b-0b1d3c2a1908", CudaDriver.FormatUuid(s_part, s_gpu));
    }

    /// <summary>What it was told, else what the driver says, else its name: no machine is without one.</summary>
    [Fact]
    public void Device_IsKnownByWhatItWasTold_ElseByItsUuid_ElseByItsName()
    {
        Assert.Equal("worker-7", new EngineOptions { DeviceId = "worker-7" }.FindDeviceId());
        Assert.Equal("cpu", new EngineOptions().FindDeviceId());
        Assert.Equal("simulated:3", new EngineOptions { Kind = EngineOptions.Simulated, Device = "simulated:3" }.FindDeviceId());
        Assert.Equal(CudaDriver.DeviceCount() > 0 ? CudaDriver.Uuid("cuda:0") : "cuda:0", new EngineOptions { Device = "cuda:0" }.FindDeviceId());
    }
}

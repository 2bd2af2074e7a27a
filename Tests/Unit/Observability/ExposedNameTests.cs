using Emu3.Observability.Exposition;

namespace Emu3.Tests.Unit.Observability;

[Trait("Suite", "Fast")]
public sealed class ExposedNameTests
{
    [Theory]
    [InlineData("vllm.num_requests_running", "{request}", false, "vllm:num_requests_running")]
    [InlineData("vllm.time_to_first_token", "s", false, "vllm:time_to_first_token_seconds")]
    [InlineData("vllm.prompt_tokens", "{token}", true, "vllm:prompt_tokens_total")]
    [InlineData("vllm.kv_cache_usage_perc", "1", false, "vllm:kv_cache_usage_perc")]
    [InlineData("emu3.images.completed", "{image}", true, "emu3_images_completed_total")]
    [InlineData("emu3.image.duration", "s", false, "emu3_image_duration_seconds")]
    [InlineData("emu3.disk.free", "By", false, "emu3_disk_free_bytes")]
    [InlineData("dotnet.process.cpu.time", "s", true, "dotnet_process_cpu_time_seconds_total")]
    [InlineData("orleans-messaging-sent-bytes-total", "bytes", true, "orleans_messaging_sent_bytes_total")]
    [InlineData("a.duration.seconds", "s", false, "a_duration_seconds")]
    [InlineData("9lives", "", false, "_9lives")]
    public void Name_OfAnInstrument_IsWhatPrometheusExpects(string instrument, string unit, bool isCounter, string name) =>
        Assert.Equal(name, ExposedName.Of(instrument, unit, isCounter));
}

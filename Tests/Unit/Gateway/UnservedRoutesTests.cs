using Emu3.Gateway;

namespace Emu3.Tests.Unit.Gateway;

[Trait("Suite", "Fast")]
public sealed class UnservedRoutesTests
{
    [Theory]
    [InlineData("/v1/completions", "/v1/chat/completions")]
    [InlineData("/V1/Completions", "/v1/chat/completions")]
    [InlineData("/v1/responses/resp_1", "not stored")]
    [InlineData("/v1/responses/resp_1/input_items", "not stored")]
    [InlineData("/v1/conversations", "not stored")]
    [InlineData("/v1/images/edits", "/v1/images/generations")]
    [InlineData("/v1/images/variations", "/v1/images/generations")]
    [InlineData("/v1/embeddings", "no embeddings")]
    [InlineData("/v1/audio/speech", "no audio")]
    [InlineData("/v1/moderations", "no moderation")]
    [InlineData("/v1/assistants/asst_1", "/v1/responses")]
    [InlineData("/v1/uploads", "/v1/files")]
    [InlineData("/v1/messages", "Messages API")]
    [InlineData("/openai/deployments/x/chat/completions", "Azure")]
    [InlineData("/chat/completions", "must end in /v1")]
    [InlineData("/images/generations", "must end in /v1")]
    [InlineData("/v1/v1/models", "twice")]
    [InlineData("/v1/completionsx", "/reference")]
    [InlineData("/v1/nothing", "/reference")]
    [InlineData("/", "/reference")]
    public void Remedy_OfAnAddress_SaysWhereToGoInstead(string path, string part) => Assert.Contains(part, UnservedRoutes.Remedy(path), StringComparison.Ordinal);
}

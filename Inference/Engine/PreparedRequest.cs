using Emu3.Inference.Tokens;
using Emu3.Inference.Vision;

namespace Emu3.Inference.Engine;

/// <summary>What could be made of a request without the device, on its caller's thread: texts as tokens, pictures read and resized.</summary>
/// <param name="ImagePrompts">Of a picture, the conditional one first; none for text.</param>
/// <param name="Chat">Of a conversation; null for a picture.</param>
/// <param name="Pictures">Of a conversation, in their order, each of the size that it is encoded in.</param>
internal sealed record PreparedRequest(IReadOnlyList<int[]> ImagePrompts, ChatDraft? Chat, IReadOnlyList<Picture> Pictures);

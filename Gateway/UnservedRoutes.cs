namespace Emu3.Gateway;

/// <summary>What is said of addresses that clients of OpenAI's and similar servers know and that are not served here: where to go instead. Pure.</summary>
internal static class UnservedRoutes
{
    private const string NoStore = "Responses are not stored: each request sends its whole conversation to POST /v1/responses.";
    private const string Chat = "Ask with POST /v1/chat/completions or POST /v1/responses.";
    private const string Both = "The models here write text and draw pictures: POST /v1/chat/completions, POST /v1/responses, POST /v1/images/generations.";

    /// <summary>Beginnings of addresses, whole segments, the more particular ones first.</summary>
    private static readonly (string Start, string Remedy)[] s_known =
    [
        ("/v1/completions", $"Completions without messages are not served. {Chat}"),
        ("/v1/responses", NoStore),
        ("/v1/conversations", NoStore),
        ("/v1/chat/completions", "Answers are not stored: ask again with POST /v1/chat/completions, or make a batch."),
        ("/v1/messages", $"The Messages API is not served. {Chat}"),
        ("/v1/images/edits", "Pictures are drawn from text alone: POST /v1/images/generations. POST /v1/chat/completions and POST /v1/responses answer questions about a picture."),
        ("/v1/images/variations", "Pictures are drawn from text alone: POST /v1/images/generations, with another seed for each variation."),
        ("/v1/embeddings", $"There are no embeddings. {Both}"),
        ("/v1/moderations", $"There is no moderation. {Both}"),
        ("/v1/audio", $"There is no audio. {Both}"),
        ("/v1/realtime", $"There is no realtime API; answers stream with \"stream\": true. {Both}"),
        ("/v1/videos", $"There are no videos. {Both}"),
        ("/v1/assistants", $"There are no assistants. {Chat}"),
        ("/v1/threads", $"There are no threads: each request sends its whole conversation. {Chat}"),
        ("/v1/vector_stores", $"There are no vector stores. {Both}"),
        ("/v1/containers", $"There are no containers, as there are no tools. {Both}"),
        ("/v1/evals", $"There are no evaluations. {Both}"),
        ("/v1/fine_tuning", "Models are not trained here: checkpoints are loaded by workers, and GET /v1/models lists them."),
        ("/v1/uploads", "Files are uploaded in one piece: POST /v1/files."),
        ("/v1/organization", "Keys are at /v1/admin/keys, and what was used at /v1/usage."),
        ("/v1/engines", "GET /v1/models lists the models."),
        ("/openai", "Azure's addresses are not served: use the client for OpenAI itself, with a base URL that ends in /v1."),
        ("/api/chat", $"Ollama's addresses are not served. {Chat}"),
        ("/api/generate", $"Ollama's addresses are not served. {Chat}"),
    ];

    /// <summary>First segments of what is served below /v1: an address that begins with one has lost its /v1.</summary>
    private static readonly string[] s_below = ["/chat", "/completions", "/responses", "/images", "/models", "/files", "/batches", "/embeddings", "/admin", "/usage", "/workers"];

    /// <summary>A sentence or two for whoever asked for the address.</summary>
    public static string Remedy(PathString path)
    {
        foreach (var (start, remedy) in s_known)
            if (path.StartsWithSegments(start, StringComparison.OrdinalIgnoreCase)) return remedy;
        if (path.StartsWithSegments("/v1/v1", StringComparison.OrdinalIgnoreCase)) return "The address has /v1 twice: the client adds it to a base URL that ends in it already.";
        return Array.Exists(s_below, start => path.StartsWithSegments(start, StringComparison.OrdinalIgnoreCase))
            ? "The base URL of the client must end in /v1."
            : "All routes are listed at /reference.";
    }
}

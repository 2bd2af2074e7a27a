using System.Text;

namespace Emu3.Benchmarks.Fuzz;

/// <summary>The requests that carry bodies. They are drawn more often: most of what can go wrong is in there.</summary>
internal static class SeedBodies
{
    /// <summary>A grey picture of 8×8 pixels.</summary>
    public const string Picture = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEUlEQVR42mO4oKCAFTEMLQkAvk5EAYUHFA8AAAAASUVORK5CYII=";

    /// <summary>The same as a file, its bytes in Latin-1.</summary>
    public static string PictureFile { get; } = Encoding.Latin1.GetString(Convert.FromBase64String(Picture[(Picture.IndexOf(',', StringComparison.Ordinal) + 1)..]));

    public static IReadOnlyList<SeedRequest> All { get; } =
    [
        Json("POST /v1/images/generations", "/v1/images/generations", 4, """
            {"model":"simulated","prompt":"a big red star","negative_prompt":"blue","n":1,"size":"64x64","size_policy":"nearest","seed":7,"sample":1,
             "guidance_scale":2.5,"temperature":0.9,"top_k":100,"top_p":0.8,"output_format":"png","output_compression":90,"embed_recipe":true,
             "response_format":"b64_json","quality":"auto","background":"auto","user":"fuzz"}
            """),
        Json("POST /v1/images/generations", "/v1/images/generations", 2, """{"prompt":"a star","stream":true,"partial_images":2,"ratio":"4:3","area":4096,"seed":"18446744073709551615"}"""),
        Json("POST /v1/images/generations", "/v1/images/generations", 2, """{"prompt":"a star","response_format":"url","n":2,"output_format":"webp","prompt_suffix":""}"""),
        Json("POST /v1/chat/completions", "/v1/chat/completions", 4, $$$"""
            {"model":"simulated","messages":[{"role":"system","content":"Be short."},
             {"role":"user","content":[{"type":"text","text":"What is this?"},{"type":"image_url","image_url":{"url":"{{{Picture}}}","detail":"low"}}]},
             {"role":"assistant","content":"A star."},{"role":"user","content":[{"type":"image_url","image_url":{"url":"{picture}"}},{"type":"text","text":"And this?"}]}],
             "max_tokens":3,"temperature":0,"top_p":1,"seed":1,"stop":["zebra","."],"n":1,"logprobs":false,"logit_bias":{},"presence_penalty":0,"response_format":{"type":"text"},"tools":[],"metadata":{"a":"b"} }
            """),
        Json("POST /v1/chat/completions", "/v1/chat/completions", 2,
            """{"messages":[{"role":"user","content":"Hello"}],"stream":true,"stream_options":{"include_usage":true},"max_completion_tokens":3}"""),
        Json("POST /v1/responses", "/v1/responses", 4, $$$"""
            {"model":"simulated","instructions":"Be short.","input":[{"role":"developer","content":"Speak plainly."},
             {"type":"message","role":"user","content":[{"type":"input_text","text":"What is this?"},{"type":"input_image","image_url":"{{{Picture}}}","detail":"low"}]},
             {"type":"message","id":"msg_1","status":"completed","role":"assistant","content":[{"type":"output_text","text":"A star.","annotations":[]}]},
             {"role":"user","content":[{"type":"input_image","file_id":"{picture}"},{"type":"input_text","text":"And this?"}]}],
             "max_output_tokens":3,"temperature":0,"top_p":1,"seed":1,"stop":["zebra","."],"store":true,"tools":[],"tool_choice":"auto","truncation":"disabled",
             "text":{"format":{"type":"text"}},"reasoning":{"effort":null},"include":[],"metadata":{"a":"b"} }
            """),
        Json("POST /v1/responses", "/v1/responses", 2, """{"input":"Hello","stream":true,"stream_options":{"include_obfuscation":false},"max_output_tokens":3}"""),
        Json("POST /v1/jobs", "/v1/jobs", 3, $$$"""
            {"model":"simulated","seed":3,"priority":"low","max_failures":1,"metadata":{"who":"me"},"defaults":{"negative_prompt":"n","n":1,"ratio":"1:1","guidance_scale":3,
             "output_format":"jpeg","max_tokens":2,"question":"What?"},
             "items":[{"id":"a","prompt":"a star","seed":"5"},{"id":"b","image":"{{{Picture}}}","question":"What is it?","max_tokens":2},
              {"custom_id":"c","method":"POST","url":"/v1/chat/completions","body":{"messages":[{"role":"user","content":"Hi"}],"max_tokens":2}}]}
            """),
        Json("POST /v1/jobs", "/v1/jobs?validate=true", 2, """{"priority":"high","webhook":{"url":"https://hooks.example.org/emu3"},"defaults":{"stop":"."},"items":[{"id":"a","prompt":"a star","size":"64x64"},{"image":["{picture}"],"question":"?"}]}"""),
        new("POST /v1/jobs", "/v1/jobs")
        {
            Form = BodyForm.JsonLines,
            Weight = 3,
            Body = """
                {"model":"simulated","seed":3,"defaults":{"n":1}}
                {"id":"a","prompt":"a star"}
                {"id":"b","prompt":"a moon","size":"64x64","sample":1}
                {"custom_id":"c","method":"POST","url":"/v1/images/generations","body":{"prompt":"a sun"} }
                """.ReplaceLineEndings("\n"),
        },
        Json("POST /v1/jobs/{id}/priority", "/v1/jobs/{waiting}/priority", 1, """{"priority":"low"}"""),
        Json("POST /v1/batches", "/v1/batches", 3, """{"input_file_id":"{lines}","endpoint":"/v1/images/generations","completion_window":"24h","metadata":{"who":"me"},"output_expires_after":{"anchor":"created_at","seconds":3600},"webhook":{"url":"https://hooks.example.org/emu3"} }"""),
        Json("POST /v1/admin/keys", "/v1/admin/keys", 2, """
            {"name":"fuzz","tenant":"fuzzed","role":"user","expires_in":"90m","weight":1.5,"quotas":{"queued_items":10,"images_per_hour":100,"concurrent_streams":2}}
            """) with { Caller = FuzzCaller.Admin },
        Json("POST /v1/admin/keys", "/v1/admin/keys", 1, """{"name":"fuzz","expires_at":1893456000}""") with { Caller = FuzzCaller.Admin },
        Upload(3, ("purpose", null, "vision"), ("expires_after[anchor]", null, "created_at"), ("expires_after[seconds]", null, "3600"), ("file", "star.png", "not a picture")),
        Upload(1, ("file", "lines.jsonl", """{"custom_id":"a","method":"POST","url":"/v1/images/generations","body":{"prompt":"p"} }"""), ("purpose", null, "batch")),
    ];

    private static SeedRequest Json(string route, string target, int weight, string body) => new(route, target) { Form = BodyForm.Json, Weight = weight, Body = body };

    private static SeedRequest Upload(int weight, params (string Name, string? File, string Content)[] parts) => new("POST /v1/files", "/v1/files")
    {
        Form = BodyForm.Multipart,
        Weight = weight,
        Body = FormMutator.Write(parts),
    };
}

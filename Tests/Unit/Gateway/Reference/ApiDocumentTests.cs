using System.Text.Json;
using System.Text.Json.Nodes;
using Emu3.Benchmarks.Description;
using Emu3.Gateway.Files;
using Emu3.Gateway.Reference;
using Emu3.Grains.Interfaces.Requests;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;

namespace Emu3.Tests.Unit.Gateway.Reference;

/// <summary>The API reference says what is so: every route is in it, and every field that is taken, and no other.</summary>
[Trait("Suite", "Fast")]
public sealed class ApiDocumentTests(GatewayHttpTests.Running gateway) : IClassFixture<GatewayHttpTests.Running>
{
    private const string File = "file-0123456789abcdef0123456789abcdef";

    /// <summary>Ends of addresses that take no body.</summary>
    private static readonly string[] s_bare = ["/cancel", "/pause", "/resume", "/retry_failed", "/archive", "/release", "/rotate", "/redeliver"];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Document_IsValid_AndAsksForAKey()
    {
        var read = OpenApiDocument.Parse(await gateway.Http.GetStringAsync(ApiDocument.Path, Cancellation), "json");

        Assert.Empty(read.Diagnostic!.Errors.Select(error => error.ToString()));
        Assert.Empty(read.Diagnostic.Warnings.Select(warning => warning.ToString()));
        var ids = Operations(read.Document!).Values.Select(operation => operation.OperationId).ToList();
        Assert.Equal(ids.Count, ids.Distinct().Count());
        Assert.Contains("getJobsIdEvents", ids);
        Assert.Equal("bearer", Assert.Single(Assert.Single(read.Document!.Security!)).Key.Scheme);
        Assert.Equal(ApiGroups.All.Select(group => group.Name).Order(), Operations(read.Document).SelectMany(operation => operation.Value.Tags!).Select(tag => tag.Name).Distinct().Order());
        Assert.Empty(Operations(read.Document).First(operation => operation.Key == "GET /health").Value.Security!);
        Assert.Contains("admin", Operations(read.Document).First(operation => operation.Key == "GET /v1/admin/keys").Value.Description, StringComparison.Ordinal);
    }

    [Fact]
    public async Task EveryRoute_IsInTheDocument_WithWhatItTakesAndGives()
    {
        var document = await ReadAsync();
        var told = Operations(document);
        var hidden = new List<string>();
        foreach (var route in gateway.Services.GetServices<EndpointDataSource>().SelectMany(source => source.Endpoints).OfType<RouteEndpoint>())
        {
            var path = "/" + route.RoutePattern.RawText!.TrimStart('/').Replace("**", "", StringComparison.Ordinal).Replace(":int:min(0)", "", StringComparison.Ordinal);
            foreach (var method in route.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? [])
            {
                if (route.Metadata.GetMetadata<IExcludeFromDescriptionMetadata>() is { ExcludeFromDescription: true })
                {
                    hidden.Add(path);
                    continue;
                }
                Assert.True(told.TryGetValue($"{method} {path}", out var operation), $"{method} {path} is not in the document.");
                Assert.False(string.IsNullOrEmpty(operation.Summary), $"{method} {path} has no summary: Tell it where it is mapped.");
                Assert.True(operation.Responses!.Keys.Any(status => status.StartsWith('2')), $"{method} {path} says nothing of its answer.");
                Assert.True(operation.Responses.ContainsKey("500") && !operation.Responses.ContainsKey("default"), $"{method} {path} does not tell its errors by their statuses.");
                Assert.All(operation.Responses.Where(response => response.Value.Content?.ContainsKey(RouteText.Events) == true), response => Assert.True(
                    response.Value.Content![RouteText.Events].Schema!.AnyOf!.Count > 1, $"{method} {path} does not say which events there are: GivesEvents takes them."));
                Assert.All(operation.Parameters ?? [], parameter => Assert.False(string.IsNullOrEmpty(parameter.Description), $"{method} {path}: {parameter.Name} is not described."));
                if (method == "POST" && !s_bare.Any(path.EndsWith))
                    Assert.True(operation.RequestBody?.Content?.Values.All(content => content.Schema is not null) == true, $"{method} {path} has no schema of its body.");
            }
        }

        Assert.All(hidden, path => Assert.True(
            path is "/" or "/playground" || path == ApiDocument.Path || path.StartsWith("/jobs", StringComparison.Ordinal) || path.StartsWith("/pages/", StringComparison.Ordinal)
            || path.StartsWith(ReferencePage.Path, StringComparison.Ordinal), $"{path} is hidden from the document, and no page."));
    }

    [Theory]
    [InlineData("ImageRequest", "", "/v1/images/generations", """{"prompt":"p"@}""")]
    [InlineData("ChatRequest", "", "/v1/chat/completions", """{"messages":[{"role":"user","content":"x"}],"stream":true@}""")]
    [InlineData("ChatRequest", "messages", "/v1/chat/completions", """{"messages":[{"role":"user","content":"x"@}]}""")]
    [InlineData("ChatRequest", "stream_options", "/v1/chat/completions", """{"messages":[{"role":"user","content":"x"}],"stream":true,"stream_options":{"include_usage":true@}}""")]
    [InlineData("ResponseRequest", "", "/v1/responses", """{"input":"x","stream":true@}""")]
    [InlineData("ResponseRequest", "input", "/v1/responses", """{"input":[{"role":"user","content":"x"@}]}""")]
    [InlineData("JobRequest", "", "/v1/jobs", """{"seed":1@}""")]
    [InlineData("JobRequest", "defaults", "/v1/jobs", """{"defaults":{"seed":1@}}""")]
    [InlineData("PriorityRequest", "", "/v1/jobs/job_0123456789abcdef0123456789abcdef/priority", """{"priority":"high"@}""")]
    [InlineData("BatchRequest", "", "/v1/batches", $$"""{"input_file_id":"{{File}}","endpoint":"/v1/images/generations","completion_window":"24h"@}""")]
    [InlineData("KeyRequest", "", "/v1/admin/keys", """{"name":"k"@}""")]
    [InlineData("KeyRequest", "quotas", "/v1/admin/keys", """{"name":"k","quotas":{"queued_items":1@}}""")]
    public async Task EveryField_OfASchema_IsTaken_AndNoOther(string schema, string field, string path, string body)
    {
        var shape = At((await ReadAsync()).Components!.Schemas![schema], field);
        Assert.False(shape.AdditionalPropertiesAllowed);
        foreach (var name in shape.Properties!.Keys)
            Assert.DoesNotContain("is not a known field", await PostAsync(path, body.Replace("@", $",\"{name}\":null", StringComparison.Ordinal)), StringComparison.Ordinal);

        var refusal = await PostAsync(path, body.Replace("@", ",\"zzz\":1", StringComparison.Ordinal));
        Assert.Contains("zzz: is not a known field. Known are ", refusal, StringComparison.Ordinal);
        var known = refusal[(refusal.IndexOf("Known are ", StringComparison.Ordinal) + 10)..].TrimEnd('.').Split(", ");
        Assert.Equal(known.Order(), Offered(shape).Except(["items"]).Order());
    }

    [Theory]
    [InlineData("PictureItem", """{"prompt":"p"@}""")]
    [InlineData("QuestionItem", """{"question":"q"@}""")]
    [InlineData("BatchLine", """{"custom_id":"x","url":"/v1/images/generations"@}""")]
    public async Task EveryField_OfAnItem_IsTaken_AndNoOther(string schema, string item)
    {
        var shape = (await ReadAsync()).Components!.Schemas![schema];
        foreach (var name in shape.Properties!.Keys)
            Assert.DoesNotContain(ErrorsOf(item.Replace("@", $",\"{name}\":null", StringComparison.Ordinal)), error => error.Message.StartsWith("is not a known field", StringComparison.Ordinal));

        var refusal = Assert.Single(ErrorsOf(item.Replace("@", ",\"zzz\":1", StringComparison.Ordinal)), error => error.Param == "zzz").Message;
        Assert.Equal(refusal[(refusal.IndexOf("Known are ", StringComparison.Ordinal) + 10)..].TrimEnd('.').Split(", ").Order(), Offered(shape).Order());

        static List<ItemError> ErrorsOf(string json)
        {
            var errors = new List<ItemError>();
            using var document = JsonDocument.Parse(json);
            ItemRequestReader.ReadItem(document.RootElement, errors);
            return errors;
        }
    }

    [Fact]
    public void EveryField_OfAnUpload_IsTaken_AndNoOther()
    {
        var errors = new List<ItemError>();
        Assert.Equal(FileFields.Known.Append("file").Order(), FileFields.Shape.Properties!.Keys.Order());
        foreach (var name in FileFields.Known) new FileFields().Add(name, "x", errors);
        Assert.Empty(errors);
        new FileFields().Add("zzz", "x", errors);
        Assert.Equal("zzz", Assert.Single(errors).Param);
    }

    [Fact]
    public async Task EveryField_SaysWhatItMeans_AndWhatMustBeThereIsMarked()
    {
        var schemas = (await ReadAsync()).Components!.Schemas!;
        Assert.All(RequestShapes.All, shape => AssertTexts(schemas[shape.Name], shape.Name));

        Assert.Equal(["prompt"], schemas["ImageRequest"].Required!);
        Assert.Equal(["messages"], schemas["ChatRequest"].Required!);
        Assert.Equal(["role", "content"], At(schemas["ChatRequest"], "messages").Required!);
        Assert.Equal(["input"], schemas["ResponseRequest"].Required!);
        Assert.Equal(["completion_window", "endpoint", "input_file_id"], schemas["BatchRequest"].Required!.Order());
        Assert.Equal(["body", "custom_id", "url"], schemas["BatchLine"].Required!.Order());
        Assert.Equal(("1", "10"), (schemas["ImageRequest"].Properties!["n"].Minimum, schemas["ImageRequest"].Properties!["n"].Maximum));
        Assert.Equal(["png", "jpeg", "webp"], schemas["ImageRequest"].Properties!["output_format"].Enum!.Take(3).Select(word => word.ToString()));
    }

    /// <summary>What clients were told wrongly once: a field that is left out was required, and null stood in two forms of which only one may hold.</summary>
    [Theory]
    [InlineData("ImageAnswer", """{"url":"http://x/y","seed":"7","sample":0}""", true)]
    [InlineData("ImageAnswer", """{"b64_json":null,"seed":"7","sample":0}""", false)]
    [InlineData("ImageAnswer", """{"b64_json":"","seed":"7"}""", false)]
    [InlineData("ChatDelta", "{}", true)]
    [InlineData("WebhookAnswer", """{"url":"u","status":"pending","attempts":0,"last_error":null,"next_attempt_at":null,"delivered_at":null,"event_id":null}""", true)]
    [InlineData("WebhookAnswer", """{"url":"u","status":"pending","attempts":0}""", false)]
    [InlineData("PauseReason", "null", false)]
    [InlineData("PauseReason", "\"requested\"", true)]
    public async Task SchemaOfAnAnswer_SaysWhatIsWritten(string schema, string json, bool isAllowed)
    {
        var api = ApiDescription.Parse(await gateway.Http.GetStringAsync(ApiDocument.Path, Cancellation));
        using var value = JsonDocument.Parse(json);
        Assert.Equal(isAllowed, api.Schemas.IsValid(new JsonObject { ["$ref"] = $"#/components/schemas/{schema}" }, value.RootElement));
    }

    [Fact]
    public async Task EveryExample_IsAllowedByItsSchema()
    {
        var api = ApiDescription.Parse(await gateway.Http.GetStringAsync(ApiDocument.Path, Cancellation));
        Assert.All(RequestShapes.All, shape =>
        {
            using var example = JsonDocument.Parse(shape.Example);
            Assert.Empty(api.Schemas.Errors(new JsonObject { ["$ref"] = $"#/components/schemas/{shape.Name}" }, example.RootElement));
        });
    }

    [Fact]
    public void EveryExample_IsTaken() => Assert.All(RequestShapes.All, shape =>
    {
        var errors = new List<ItemError>();
        using var example = JsonDocument.Parse(shape.Example);
        shape.Read(example.RootElement, errors);
        Assert.Empty(errors);
    });

    private static void AssertTexts(IOpenApiSchema schema, string path)
    {
        foreach (var (name, field) in schema.Properties ?? new Dictionary<string, IOpenApiSchema>())
        {
            Assert.False(string.IsNullOrEmpty(field.Description), $"{path}.{name} has no text: FieldTexts has the others.");
            if (field is not OpenApiSchemaReference) AssertTexts(field.Items ?? field, $"{path}.{name}");
        }
    }

    /// <summary>Fields that do something.</summary>
    private static IEnumerable<string> Offered(IOpenApiSchema schema) => schema.Properties!
        .Where(field => field.Value.Description?.Contains("without effect", StringComparison.Ordinal) != true && field.Value.Description?.Contains("Not supported", StringComparison.Ordinal) != true)
        .Select(field => field.Key);

    /// <summary>A field's schema, or that of its elements where it may be an array.</summary>
    private static IOpenApiSchema At(IOpenApiSchema schema, string field)
    {
        if (field.Length == 0) return schema;
        var found = schema.Properties![field];
        return found.Items ?? found.AnyOf?.Select(form => form.Items).FirstOrDefault(element => element is not null) ?? found;
    }

    private static Dictionary<string, OpenApiOperation> Operations(OpenApiDocument document) => document.Paths
        .SelectMany(path => path.Value.Operations!.Select(operation => ($"{operation.Key.Method} {path.Key}", operation.Value))).ToDictionary();

    private async Task<OpenApiDocument> ReadAsync() => OpenApiDocument.Parse(await gateway.Http.GetStringAsync(ApiDocument.Path, Cancellation), "json").Document!;

    private async Task<string> PostAsync(string path, string body)
    {
        using var content = new StringContent(body, System.Text.Encoding.UTF8, path.EndsWith("/jobs", StringComparison.Ordinal) ? "application/x-ndjson" : "application/json");
        using var answer = await gateway.Http.PostAsync(path, content, Cancellation);
        return JsonSerializer.Deserialize<JsonElement>(await answer.Content.ReadAsStringAsync(Cancellation)).GetProperty("error").GetProperty("message").GetString()!;
    }
}

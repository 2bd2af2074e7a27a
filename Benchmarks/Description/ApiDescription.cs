using System.Text.Json.Nodes;

namespace Emu3.Benchmarks.Description;

/// <summary>A gateway's OpenAPI document, read so that requests can be made from it and answers held to it.</summary>
internal sealed class ApiDescription
{
    /// <summary>Where a gateway has it.</summary>
    public const string Path = "/openapi/v1.json";

    private readonly ILookup<string, ApiOperation> _byMethod;

    private ApiDescription(IReadOnlyList<ApiOperation> operations, ApiSchemas schemas)
    {
        (Operations, Schemas) = (operations, schemas);
        _byMethod = operations.ToLookup(operation => operation.Method);
    }

    public IReadOnlyList<ApiOperation> Operations { get; }

    public ApiSchemas Schemas { get; }

    /// <summary>Reads the document.</summary>
    public static ApiDescription Parse(string json)
    {
        var document = JsonNode.Parse(json)!;
        var reader = new ApiReader(document);
        return new(
            [.. document["paths"]!.AsObject().SelectMany(path => path.Value!.AsObject().Select(operation => reader.Read(path.Key, operation.Key, operation.Value!.AsObject())))],
            new(document["components"]!["schemas"]!.AsObject()));
    }

    /// <summary>The same without the operations of a method.</summary>
    public ApiDescription Without(string method) => new([.. Operations.Where(operation => operation.Method != method)], Schemas);

    /// <summary>The operation that a request means; null when there is none.</summary>
    public ApiOperation? Find(string method, string path) => _byMethod[method]
        .Select(operation => (operation, Rank: operation.Match(path))).Where(found => found.Rank is not null).OrderByDescending(found => found.Rank).FirstOrDefault().operation;

    /// <summary>Whether any operation is at a path.</summary>
    public bool Has(string path) => Operations.Any(operation => operation.Match(path) is not null);
}

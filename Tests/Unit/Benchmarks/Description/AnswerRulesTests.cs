using System.Text;
using Emu3.Benchmarks.Description;

namespace Emu3.Tests.Unit.Benchmarks.Description;

/// <summary>What tests and fuzz runs hold answers to finds what it is there for.</summary>
[Trait("Suite", "Fast")]
public sealed class AnswerRulesTests
{
    private const string Document = """
        {
          "paths": {
            "/v1/things": { "get": { "responses": { "200": { "content": { "text/event-stream": { "schema": { "anyOf": [
              { "type": "object", "required": ["data", "event"], "properties": { "event": { "const": "thing" }, "data": { "$ref": "#/components/schemas/Thing" } }, "additionalProperties": false },
              { "type": "object", "required": ["data"], "properties": { "data": { "const": "[DONE]" } }, "additionalProperties": false } ] } } } }, "500": { "$ref": "#/components/responses/Wrong" } } } },
            "/v1/things/{id}": {
              "get": { "responses": { "200": { "headers": { "x-request-id": { "$ref": "#/components/headers/x-request-id" } }, "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Thing" } } } },
                "500": { "$ref": "#/components/responses/Wrong" } } },
              "delete": { "responses": { "204": {} } }
            }
          },
          "components": {
            "headers": { "x-request-id": { "required": true, "schema": { "type": "string" } } },
            "responses": { "Wrong": { "content": { "application/json": { "schema": { "type": "object", "required": ["error"], "properties": { "error": {} } } } } } },
            "schemas": {
              "Word": { "type": "string", "enum": ["a", "b"] },
              "Thing": { "type": "object", "required": ["id", "why"], "properties": { "id": { "type": "string" }, "why": { "oneOf": [ { "type": "null" }, { "$ref": "#/components/schemas/Word" } ] }, "url": { "type": "string" } } }
            }
          }
        }
        """;

    private readonly AnswerRules _rules = new(ApiDescription.Parse(Document));

    [Theory]
    [InlineData("GET", "/v1/things/7", 200, "application/json; charset=utf-8", null)]
    [InlineData("GET", "/v1/things/7", 200, "text/html", "GET /v1/things/{id}: status 200 is text/html, and the document has application/json")]
    [InlineData("GET", "/v1/things/7", 201, "application/json", "GET /v1/things/{id}: status 201 is not declared")]
    [InlineData("DELETE", "/v1/things/7", 204, null, null)]
    [InlineData("DELETE", "/v1/things/7", 204, "application/json", "DELETE /v1/things/{id}: status 204 has no content in the document, and it is application/json")]
    [InlineData("GET", "/v1/nothing", 404, "application/json", null)]
    [InlineData("GET", "/v1/nothing", 200, "application/json", "GET /v1/nothing: no such operation is in the document, and the status is 200")]
    [InlineData("PUT", "/v1/things", 405, "application/json", null)]
    [InlineData("PUT", "/v1/nothing", 405, "application/json", "PUT /v1/nothing: no such operation is in the document, and the status is 405")]
    public void Head_IsHeldToTheDocument(string method, string path, int status, string? contentType, string? departure) =>
        Assert.Equal(departure is null ? [] : [departure], _rules.CheckHead(method, path, status, contentType, _ => true).Departures);

    [Fact]
    public void Header_ThatIsMissing_IsADeparture() => Assert.Equal(
        ["GET /v1/things/{id}: status 200 has no x-request-id"], _rules.CheckHead("GET", "/v1/things/7", 200, "application/json", _ => false).Departures);

    [Theory]
    [InlineData("""{"id":"x","why":null}""", null)]
    [InlineData("""{"id":"x","why":"a","url":"u"}""", null)]
    [InlineData("""{"id":"x","why":"c"}""", "/why")]
    [InlineData("""{"id":"x"}""", "why")]
    [InlineData("""{"id":"x","why":null,"url":null}""", "/url")]
    [InlineData("""{"id":"x","why":null,"new":1}""", "/new")]
    [InlineData("", "no JSON")]
    public void Body_IsHeldToItsSchema_AndHasNoOtherFields(string body, string? place)
    {
        var found = _rules.CheckBody(_rules.CheckHead("GET", "/v1/things/7", 200, "application/json", _ => true), Encoding.UTF8.GetBytes(body)).ToList();
        if (place is null) Assert.Empty(found);
        else Assert.Contains(found, departure => departure.StartsWith("GET /v1/things/{id}: ", StringComparison.Ordinal) && departure.Contains(place, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("event: thing\ndata: {\"id\":\"x\",\"why\":null}\n\n: ping\n\ndata: [DONE]\n\nretry: 1000\n\n", 0)]
    [InlineData("event: other\ndata: {\"id\":\"x\",\"why\":null}\n\n", 1)]
    [InlineData("event: thing\nid: 7\ndata: {\"id\":\"x\",\"why\":null}\n\n", 1)]
    [InlineData("event: thing\ndata: {\"id\":\"x\"}\n\ndata: {\n\n", 2)]
    public void Events_AreHeldToTheirForms_HoweverTheyAreCut(string stream, int wrong)
    {
        foreach (var size in (int[])[1, 7, stream.Length])
        {
            var rules = _rules.Stream(_rules.CheckHead("GET", "/v1/things", 200, "text/event-stream", _ => true))!;
            var found = Encoding.UTF8.GetBytes(stream).Chunk(size).Sum(bytes => rules.Pass(bytes).Count > 0 ? 1 : 0);
            if (size < stream.Length) Assert.Equal(wrong, Math.Min(found, wrong));
            Assert.Equal(wrong > 0, found > 0);
        }
    }
}

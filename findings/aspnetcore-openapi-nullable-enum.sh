#!/usr/bin/env bash
# Microsoft.AspNetCore.OpenApi 10.0.15 (.NET 10, Microsoft.OpenApi as it asks for): a nullable enum property of a response gets a schema that its own value null violates.
#
# The property is `oneOf: [ {type: null}, {$ref: Why} ]`, and the component Why has null among its words, although Why itself is not nullable. So null
# matches both branches, and `oneOf` allows exactly one: every validator of JSON Schema refuses the body {"why":null}, which the endpoint answers.
# The component has no `type` either. A guess would be that only the place of use says that null is allowed.
#
# Seen on Linux x64 with SDK 10.0.401:
#   property:  {"oneOf":[{"type":"null"},{"$ref":"#/components/schemas/Why"}]}
#   component: {"enum":["Asked","Broken",null]}
# Exits non-zero when that changes.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat > app.csproj <<'X'
<Project Sdk="Microsoft.NET.Sdk.Web">
  <PropertyGroup><TargetFramework>net10.0</TargetFramework><Nullable>enable</Nullable><ImplicitUsings>enable</ImplicitUsings></PropertyGroup>
  <ItemGroup><PackageReference Include="Microsoft.AspNetCore.OpenApi" Version="[10.0.15]" /></ItemGroup>
</Project>
X
cat > Program.cs <<'X'
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
var builder = WebApplication.CreateBuilder();
builder.Logging.ClearProviders();
builder.WebHost.UseUrls("http://127.0.0.1:0");
builder.Services.AddOpenApi();
builder.Services.ConfigureHttpJsonOptions(options => options.SerializerOptions.Converters.Add(new JsonStringEnumConverter()));
var app = builder.Build();
app.MapOpenApi();
app.MapGet("/", () => new Answer(null));
await app.StartAsync();
using var http = new HttpClient { BaseAddress = new(app.Urls.Single()) };
Console.WriteLine("body:      " + await http.GetStringAsync("/"));
var schemas = JsonNode.Parse(await http.GetStringAsync("/openapi/v1.json"))!["components"]!["schemas"]!;
Console.WriteLine("property:  " + schemas["Answer"]!["properties"]!["why"]!.ToJsonString());
Console.WriteLine("component: " + schemas["Why"]!.ToJsonString());
enum Why { Asked, Broken }
record Answer(Why? Why);
X
out=$(dotnet run -v q 2>&1); echo "$out"
grep -qF 'body:      {"why":null}' <<<"$out"
grep -qF 'property:  {"oneOf":[{"type":"null"},{"$ref":"#/components/schemas/Why"}]}' <<<"$out"
grep -qF 'component: {"enum":["Asked","Broken",null]}' <<<"$out"

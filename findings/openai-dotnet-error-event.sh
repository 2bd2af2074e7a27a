#!/usr/bin/env bash
# OpenAI's client for .NET and an error inside a chat stream.
#
# Versions: NuGet OpenAI 2.15.0, .NET 10.
# Behaviour: a server that fails in the middle of a stream sends an event with an error object, which the clients for Python and Node raise.
#   CompleteChatStreamingAsync does not: the error comes as an update without any content, the enumeration ends as after a whole answer, and half an answer
#   is taken for all of it. The same with and without "event: error". What it does raise is a body without a proper end (here: a chunked body whose
#   connection is closed before the last chunk).
# Output seen:
#   error event, body ended: no exception, text "Half an ", finish reason: none
#   named error event, body ended: no exception, text "Half an ", finish reason: none
#   error event, connection closed: HttpIOException
# Exits non-zero when the output is another.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
cat >check.csproj <<'XML'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup><OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework><ImplicitUsings>enable</ImplicitUsings></PropertyGroup>
  <ItemGroup><PackageReference Include="OpenAI" Version="2.15.0" /></ItemGroup>
</Project>
XML
cat >check.cs <<'CS'
using System.ClientModel;
using System.Net;
using System.Net.Sockets;
using System.Text;
using OpenAI;
using OpenAI.Chat;

const string Piece = "data: {\"id\":\"a\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Half an \"},\"finish_reason\":null}]}\n\n";
const string Error = "data: {\"error\":{\"message\":\"the engine failed\",\"type\":\"server_error\",\"param\":null,\"code\":null}}\n\n";
await Try("error event, body ended", Piece + Error, isWhole: true);
await Try("named error event, body ended", Piece + "event: error\n" + Error, isWhole: true);
await Try("error event, connection closed", Piece + Error, isWhole: false);

static async Task Try(string name, string events, bool isWhole)
{
    using var listener = new TcpListener(IPAddress.Loopback, 0);
    listener.Start();
    var serving = Task.Run(async () =>
    {
        using var connection = await listener.AcceptTcpClientAsync();
        var stream = connection.GetStream();
        var (request, buffer) = ("", new byte[4096]);
        while (!request.Contains("\"stream\"")) request += Encoding.UTF8.GetString(buffer, 0, await stream.ReadAsync(buffer));
        var answer = $"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n{Encoding.UTF8.GetByteCount(events):x}\r\n{events}\r\n{(isWhole ? "0\r\n\r\n" : "")}";
        await stream.WriteAsync(Encoding.UTF8.GetBytes(answer));
        connection.Client.Shutdown(SocketShutdown.Send);
        while (await stream.ReadAsync(buffer) > 0) { }
    });
    var options = new OpenAIClientOptions { Endpoint = new($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/v1") };
    var (text, reason) = ("", "none");
    try
    {
        await foreach (var update in new ChatClient("m", new ApiKeyCredential("none"), options).CompleteChatStreamingAsync([new UserChatMessage("Hi")]))
        {
            foreach (var part in update.ContentUpdate) text += part.Text;
            reason = update.FinishReason?.ToString() ?? reason;
        }
        Console.WriteLine($"{name}: no exception, text \"{text}\", finish reason: {reason}");
    }
    catch (Exception failure)
    {
        Console.WriteLine($"{name}: {failure.GetType().Name}");
    }
}
CS
seen=$(dotnet run -v q)
echo "$seen"
[ "$seen" = 'error event, body ended: no exception, text "Half an ", finish reason: none
named error event, body ended: no exception, text "Half an ", finish reason: none
error event, connection closed: HttpIOException' ]

using System.CommandLine;
using System.Text.Json.Nodes;
using Emu3.Cli.Batch;
using Emu3.Grains.Interfaces.Requests;

namespace Emu3.Cli.Commands;

/// <summary><c>emu3 chat</c>: a question about pictures, or none; the answer is written as it comes.</summary>
internal static class ChatCommand
{
    public static Command Create(CliConsole console)
    {
        var words = new Argument<string[]>("PICTURES QUESTION") { Description = $"Picture files ({PictureKinds.Names}), and last the question.", Arity = ArgumentArity.OneOrMore }.NotEmpty();
        var maxTokens = new Option<int?>("--max-tokens") { Description = "The answer ends after this many tokens at the latest." }.Within(1);
        var stop = new Option<string[]>("--stop") { Description = "The answer ends before this text; may be said up to four times." };
        var seed = new SeedOption("With --temperature: the same seed gives the same answer.");
        var sampling = new SamplingOptions();
        var cluster = new ClusterOptions();
        var command = new Command("chat", "Ask something about pictures.");
        command.Arguments.Add(words);
        command.Options.Add(maxTokens);
        command.Options.Add(stop);
        seed.AddTo(command);
        sampling.AddTo(command);
        cluster.AddTo(command);
        command.SetAction((result, cancellationToken) =>
        {
            var request = new JsonObject { ["stream"] = true };
            Said.Add(request, "max_tokens", result.GetValue(maxTokens));
            if (result.GetValue(stop) is { Length: > 0 } stops)
            {
                request["stop"] = new JsonArray([.. stops.Select(text => (JsonNode)text)]);
            }

            Said.Add(request, "seed", seed.Read(result));
            sampling.Write(result, request);
            return RunAsync(request, result.GetRequiredValue(words), cluster.Read(result), console, cancellationToken);
        });
        return command;
    }

    private static async Task<int> RunAsync(JsonObject request, string[] words, ClusterChoice choice, CliConsole console, CancellationToken cancellationToken)
    {
        request["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = Content(words[..^1], words[^1]) });
        return await ClusterSession.UseAsync(choice, console, (session, token) => AskAsync(request, session, console, token), cancellationToken);
    }

    private static async Task<int> AskAsync(JsonObject request, ClusterSession session, CliConsole console, CancellationToken cancellationToken)
    {
        request["model"] = session.Model.Id;
        await foreach (var piece in session.Gateway.ChatAsync(request, cancellationToken))
        {
            await console.Out.WriteAsync(piece);
            await console.Out.FlushAsync(cancellationToken);
        }

        await console.Out.WriteLineAsync();
        return ExitCode.AllDone;
    }

    private static JsonArray Content(string[] pictures, string question)
    {
        if (pictures.Length == 0 && File.Exists(question) && PictureSource.Check(question).Error is null)
        {
            throw CommandException.BadInput($"The question is missing: emu3 chat {question} \"What shape is it?\"");
        }

        var content = new JsonArray();
        foreach (var picture in pictures)
        {
            if (PictureSource.Check(picture).Error is { } error)
            {
                throw CommandException.BadInput($"{picture} {error}");
            }

            content.Add(new JsonObject
            {
                ["type"] = "image_url",
                ["image_url"] = new JsonObject { ["url"] = PictureSource.ToDataUrl(File.ReadAllBytes(picture)) },
            });
        }

        content.Add(new JsonObject { ["type"] = "text", ["text"] = question });
        return content;
    }
}

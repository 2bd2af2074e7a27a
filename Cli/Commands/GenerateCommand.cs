using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Emu3.Cli.Batch;

namespace Emu3.Cli.Commands;

/// <summary><c>emu3 generate</c>: one prompt, now.</summary>
internal static class GenerateCommand
{
    public static Command Create(CliConsole console)
    {
        var prompt = new Argument<string>("PROMPT") { Description = "What the picture shows." };
        var output = new Option<string>("--out", "-o") { Description = "Picture file; its ending tells the format. Several get numbers.", DefaultValueFactory = _ => "emu3.png" }.NotEmpty();
        var seed = new SeedOption("The same seed draws the same picture. Default: drawn, and printed.");
        var pictures = new PictureOptions();
        var cluster = new ClusterOptions();
        var command = new Command("generate", "Draw a picture.");
        command.Arguments.Add(prompt);
        command.Options.Add(output);
        seed.AddTo(command);
        pictures.AddTo(command);
        cluster.AddTo(command);
        command.SetAction((result, cancellationToken) =>
        {
            var request = pictures.Read(result);
            request["prompt"] = result.GetRequiredValue(prompt);
            Said.Add(request, "seed", seed.Read(result)?.ToString(CultureInfo.InvariantCulture));
            return RunAsync(request, result.GetValue(output)!, cluster.Read(result), console, cancellationToken);
        });
        return command;
    }

    private static async Task<int> RunAsync(JsonObject request, string output, ClusterChoice choice, CliConsole console, CancellationToken cancellationToken)
    {
        SetFormat(request, output);
        CheckTarget(output);
        return await ClusterSession.UseAsync(choice, console, (session, token) => DrawAsync(request, output, session, console, token), cancellationToken);
    }

    private static async Task<int> DrawAsync(JsonObject request, string output, ClusterSession session, CliConsole console, CancellationToken cancellationToken)
    {
        request["model"] = session.Model.Id;
        var start = console.Time.GetTimestamp();
        var answer = await session.Gateway.DrawAsync(request, cancellationToken);
        var time = console.Time.GetElapsedTime(start);
        var data = answer["data"]!.AsArray();
        for (var i = 0; i < data.Count; i++)
        {
            var file = i == 0 ? output : Path.Combine(Path.GetDirectoryName(output)!, $"{Path.GetFileNameWithoutExtension(output)}-{i + 1}{Path.GetExtension(output)}");
            await File.WriteAllBytesAsync(file, Convert.FromBase64String(data[i]!["b64_json"]!.GetValue<string>()), cancellationToken);
            console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{file}: {answer["size"]} pixels, seed {data[i]!["seed"]}, {time.TotalSeconds:0.0} s"));
        }

        return ExitCode.AllDone;
    }

    /// <summary>The ending is the format, unless <c>--format</c> says another, which would be a file under a wrong name.</summary>
    private static void SetFormat(JsonObject request, string output)
    {
        var format = Path.GetExtension(output).ToLowerInvariant() switch
        {
            ".png" => "png",
            ".jpg" or ".jpeg" => "jpeg",
            ".webp" => "webp",
            var ending => throw CommandException.BadInput($"{output} ends in \"{ending}\"; .png, .jpg and .webp can be written."),
        };
        if (request["output_format"] is { } said && said.GetValue<string>() != format)
        {
            throw CommandException.BadInput($"--format is {said}, and {output} is a {format} file.");
        }

        request["output_format"] = format;
        _ = BatchDefaults.Read(new(request.Where(field => field.Key is not ("prompt" or "seed")).Select(field => KeyValuePair.Create(field.Key, field.Value?.DeepClone()))));
    }

    private static void CheckTarget(string output)
    {
        if (Directory.Exists(output))
        {
            throw CommandException.BadInput($"{output} is a folder: name a file.");
        }

        var folder = Path.GetDirectoryName(Path.GetFullPath(output))!;
        if (!Directory.Exists(folder))
        {
            throw CommandException.BadInput($"The folder {folder} does not exist.");
        }
    }
}

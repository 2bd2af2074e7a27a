using System.CommandLine;
using System.Text.Json.Nodes;

namespace Emu3.Cli.Commands;

/// <summary>How the next token is drawn; the wire's field names with dashes.</summary>
internal sealed class SamplingOptions
{
    private readonly Option<double?> _temperature = new("--temperature") { Description = "0 takes the most likely token." };
    private readonly Option<int?> _topK = new("--top-k") { Description = "Tokens at least as likely as the k-th survive; 0 keeps all." };
    private readonly Option<double?> _topP = new("--top-p") { Description = "Most likely tokens whose probabilities reach this sum; 1 keeps all." };

    public void AddTo(Command command)
    {
        command.Options.Add(_temperature);
        command.Options.Add(_topK);
        command.Options.Add(_topP);
    }

    /// <summary>Fields that were said.</summary>
    public void Write(ParseResult result, JsonObject fields)
    {
        Said.Add(fields, "temperature", result.GetValue(_temperature));
        Said.Add(fields, "top_k", result.GetValue(_topK));
        Said.Add(fields, "top_p", result.GetValue(_topP));
    }
}

/// <summary>Writes only what was said, so that the checkpoint's defaults hold for the rest.</summary>
internal static class Said
{
    public static void Add<T>(JsonObject fields, string name, T? value)
    {
        if (value is not null)
        {
            fields[name] = JsonValue.Create(value);
        }
    }
}

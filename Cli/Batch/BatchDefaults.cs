using System.Text.Json;
using System.Text.Json.Nodes;
using Emu3.Grains.Interfaces.Requests;

namespace Emu3.Cli.Batch;

/// <summary>What the command line says for fields that lines leave out.</summary>
internal static class BatchDefaults
{
    /// <summary>Reads and checks the fields.</summary>
    /// <exception cref="CommandException">One is out of its range; it is named as the command line names it.</exception>
    public static ItemRequest Read(JsonObject fields)
    {
        var errors = new List<ItemError>();
        using var document = JsonDocument.Parse(fields.ToJsonString());
        var defaults = ItemRequestReader.ReadDefaults(document.RootElement, errors);
        return errors.Count == 0 ? defaults : throw CommandException.BadInput(string.Join(Environment.NewLine, errors.Select(Describe)));
    }

    private static string Describe(ItemError error)
    {
        var field = error.Param[(error.Param.LastIndexOf('.') + 1)..];
        var option = field switch
        {
            "output_format" => "format",
            "output_compression" => "quality",
            "question" => "ask",
            _ => field.Replace('_', '-'),
        };
        return $"--{option} {error.Message}";
    }
}

namespace Emu3.Cli.Batch.Plan;

/// <summary>One item of an input file: either <see cref="Json"/> or <see cref="Error"/> is set.</summary>
/// <param name="Number">Line of the file, from 1, where the item begins.</param>
/// <param name="Id">The item's own id, else its line number; "" when the line could not be read.</param>
/// <param name="Json">The item as a JSON object on one line, id included.</param>
/// <param name="Error">What is wrong with the line and what is allowed.</param>
internal sealed record InputLine(int Number, string Id, string? Json, string? Error)
{
    /// <summary>Which sample of its id the item asks for, where an input names each of them by itself.</summary>
    public uint Sample { get; init; }

    public static InputLine Bad(int number, string error) => new(number, "", null, error);
}

/// <summary>How an input file is written.</summary>
internal enum InputFormat
{
    /// <summary>Found out from the file's name, else from its first line.</summary>
    Auto,

    /// <summary>One JSON object a line: our own fields, or lines of OpenAI's and vLLM's batch format.</summary>
    Jsonl,

    /// <summary>Comma, semicolon or tab separated, with a header of field names.</summary>
    Csv,

    /// <summary>One prompt a line.</summary>
    Text,
}

using System.CommandLine;
using Emu3.Grains.Interfaces.Requests;

namespace Emu3.Cli.Commands;

/// <summary><c>--seed</c>, which takes what the API's field takes: −1 is the same as not saying it.</summary>
internal sealed class SeedOption
{
    private readonly Option<string?> _option;

    public SeedOption(string description)
    {
        _option = new("--seed") { Description = description };
        _option.Validators.Add(result =>
        {
            if (result.Tokens is [var said] && !RequestSeed.TryParse(said.Value, out _))
            {
                result.AddError($"--seed must be {RequestSeed.Form}; it is \"{said.Value}\".");
            }
        });
    }

    public void AddTo(Command command) => command.Options.Add(_option);

    /// <summary>The seed; null where none was said, or one is to be drawn.</summary>
    public ulong? Read(ParseResult result) => RequestSeed.TryParse(result.GetValue(_option), out var seed) ? seed : null;
}

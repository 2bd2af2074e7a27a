using System.CommandLine;
using Emu3.Grains.Interfaces.Requests;

namespace Emu3.Cli.Commands;

/// <summary><c>--seed</c>, which takes what the API's field takes: −1 is the same as not saying it.</summary>
internal static class SeedOption
{
    public static Option<ulong?> Create(string description) => new("--seed")
    {
        Description = description,
        CustomParser = result =>
        {
            if (RequestSeed.TryParse(result.Tokens[0].Value, out var seed))
            {
                return seed;
            }

            result.AddError($"--seed must be {RequestSeed.Form}; it is \"{result.Tokens[0].Value}\".");
            return null;
        },
    };
}

using System.CommandLine;
using System.Globalization;

namespace Emu3.Cli.Commands;

/// <summary>Options that are whole numbers within bounds: anything else is an error that names the option and the bounds.</summary>
internal static class WholeOption
{
    /// <param name="option">Of <see cref="int"/>, or of <see cref="int"/> or nothing.</param>
    /// <param name="least">The smallest that is allowed.</param>
    /// <param name="most">The largest that is allowed.</param>
    public static Option<T> Within<T>(this Option<T> option, int least, int most = int.MaxValue)
    {
        // By the word as it was typed: a validator also runs where the word could not be converted, and asking for the value then throws.
        option.Validators.Add(result =>
        {
            foreach (var said in result.Tokens)
            {
                if (!int.TryParse(said.Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) || number < least || number > most)
                {
                    result.AddError($"{option.Name} must be a whole number {(most == int.MaxValue ? $"from {least} on" : $"from {least} to {most}")}; it is \"{said.Value}\".");
                }
            }
        });
        return option;
    }
}

using System.CommandLine;

namespace Emu3.Cli.Commands;

/// <summary>Paths as people and scripts type them. Relative ones count from the current folder; an empty one is what a script's unset variable leaves.</summary>
internal static class TypedPath
{
    /// <summary>Refuses a path that is empty.</summary>
    public static Option<T> NotEmpty<T>(this Option<T> option)
    {
        option.Validators.Add(result =>
        {
            if (result.Tokens.Any(token => string.IsNullOrWhiteSpace(token.Value)))
            {
                result.AddError($"{option.Name} is empty: name a path.");
            }
        });
        return option;
    }

    /// <inheritdoc cref="NotEmpty{T}(Option{T})"/>
    public static Argument<T> NotEmpty<T>(this Argument<T> argument)
    {
        argument.Validators.Add(result =>
        {
            if (result.Tokens.Any(token => string.IsNullOrWhiteSpace(token.Value)))
            {
                result.AddError($"{argument.Name} is empty: name a path.");
            }
        });
        return argument;
    }
}

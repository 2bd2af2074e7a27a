using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Configuration;

namespace Emu3.Storage.Configuration;

/// <summary>
/// Reads what a process is told, section by section, and refuses what is wrong by name: a value out of its range, a key that nobody knows.
/// All of it is collected first, so that a person learns of everything at once.
/// </summary>
public sealed class ConfigurationReader(IConfiguration configuration)
{
    private readonly List<string> _problems = [];

    /// <summary>A section as its options; the defaults of these where nothing is said.</summary>
    /// <param name="name">Of the section.</param>
    /// <param name="adjust">Applied before the values are checked.</param>
    public T Section<T>(string name, Action<T>? adjust = null)
        where T : class, new()
    {
        T options;
        try
        {
            options = configuration.GetSection(name).Get<T>(binder => binder.ErrorOnUnknownConfiguration = true) ?? new();
        }
        catch (InvalidOperationException wrong)
        {
            Refuse($"{name}: {wrong.Message}");
            return new();
        }

        adjust?.Invoke(options);
        var results = new List<ValidationResult>();
        Validator.TryValidateObject(options, new ValidationContext(options), results, validateAllProperties: true);
        foreach (var result in results) Refuse($"{name}:{string.Join(',', result.MemberNames)}: {result.ErrorMessage}");
        return options;
    }

    /// <summary>Something is wrong that only the caller can see. What was said before is not said again.</summary>
    public void Refuse(string problem)
    {
        if (!_problems.Contains(problem)) _problems.Add(problem);
    }

    /// <exception cref="ConfigurationException">Something was wrong.</exception>
    public void ThrowIfWrong()
    {
        if (_problems.Count > 0) throw new ConfigurationException(_problems);
    }
}

/// <summary>A process was told something wrong; the message names each value and key, and what is allowed.</summary>
public sealed class ConfigurationException(IReadOnlyList<string> problems)
    : Exception("The configuration is wrong:" + string.Concat(problems.Select(problem => Environment.NewLine + "  " + problem)))
{
    public IReadOnlyList<string> Problems { get; } = problems;
}

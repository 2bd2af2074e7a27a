using System.Globalization;
using Emu3.Grains.Interfaces.Requests;

namespace Emu3.Gateway.Endpoints;

/// <summary>What OpenAI's lists ask with: <c>limit</c>, and words of a few.</summary>
internal static class PageQuery
{
    /// <summary>Elements at most; wrong ones are errors, and then it is the usual number.</summary>
    public static int Limit(HttpRequest request, int usual, int most, List<ItemError> errors)
    {
        if (request.Query["limit"].ToString() is not { Length: > 0 } text) return usual;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var limit) && limit >= 1 && limit <= most) return limit;
        errors.Add(new("limit", $"must be a whole number from 1 to {most}."));
        return usual;
    }

    /// <summary>A place in a list, from 0; wrong ones are errors, and then it is the first.</summary>
    public static int Place(HttpRequest request, string field, List<ItemError> errors)
    {
        if (request.Query[field].ToString() is not { Length: > 0 } text) return 0;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var place)) return place;
        errors.Add(new(field, "must be a whole number from 0."));
        return 0;
    }

    /// <summary>One of these words; null when there is none, or a wrong one.</summary>
    public static string? Word(HttpRequest request, string field, List<ItemError> errors, params ReadOnlySpan<string> words)
    {
        if (request.Query[field].ToString() is not { Length: > 0 } text) return null;
        foreach (var word in words)
            if (word == text) return word;
        errors.Add(new(field, $"must be {string.Join(" or ", words.ToArray().Select(word => $"\"{word}\""))}."));
        return null;
    }
}

namespace Emu3.Grains.Webhooks;

/// <summary>What became of one try.</summary>
/// <param name="IsDelivered">The receiver has taken it.</param>
/// <param name="IsFinal">It need not be tried again.</param>
/// <param name="Problem">Why it was not taken, for a person; null when it was.</param>
/// <param name="RetryAfter">How long the receiver asks to be left alone; null when it does not say.</param>
public sealed record DeliveryAnswer(bool IsDelivered, bool IsFinal, string? Problem, TimeSpan? RetryAfter)
{
    private const int Gone = 410;

    /// <summary>What a status means: any 2xx is a success, 410 ends it, everything else is tried again. Redirects are not followed.</summary>
    public static DeliveryAnswer Of(int status, TimeSpan? retryAfter) => status switch
    {
        >= 200 and < 300 => new(true, true, null, null),
        Gone => new(false, true, "The receiver answered 410: it wants no more notices.", null),
        >= 300 and < 400 => new(false, false, $"The receiver answered {status}, and redirects are not followed: give the address that it points to.", retryAfter),
        _ => new(false, false, $"The receiver answered {status}.", retryAfter),
    };

    /// <summary>There was no answer.</summary>
    public static DeliveryAnswer None(string problem) => new(false, false, problem, null);
}

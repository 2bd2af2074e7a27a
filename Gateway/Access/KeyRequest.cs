using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Interfaces.Requests;

namespace Emu3.Gateway.Access;

/// <summary>A key that an admin asks for, checked field by field.</summary>
internal sealed record KeyRequest(string Name, string Tenant, KeyRole Role, DateTimeOffset? ExpiresAt, double? Weight, KeyQuotas Quotas)
{
    private const int LongestName = 100;
    private const int LongestTenant = 64;
    private const int MaxOfQuota = 1_000_000_000;
    private const double MinWeight = 0.01;
    private const double MaxWeight = 100;

    /// <summary>Where the tokens of running items are, in the place of a tenant.</summary>
    private const string Reserved = "ckpt";
    private static readonly TimeSpan s_longestLife = TimeSpan.FromDays(3650);
    private static readonly SearchValues<char> s_tenantLetters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-_");

    /// <summary>Reads the body; what it says nothing of has its default. Void when errors were added.</summary>
    public static KeyRequest Read(JsonElement body, DateTimeOffset now, List<ItemError> errors)
    {
        var fields = new FieldReader(body, "", errors);
        var name = fields.Text("name", LongestName)?.Trim();
        if (fields.IsObject && errors.Count == 0 && string.IsNullOrEmpty(name)) fields.Error("name", "is missing: what the key is for, or whose it is.");
        if (name?.Any(char.IsControl) == true) fields.Error("name", "has control characters.");
        var tenant = fields.Text("tenant", LongestTenant) ?? Caller.Anonymous;
        if (!IsTenant(tenant)) fields.Error("tenant", "must begin with a letter or digit and have only lower-case letters, digits, '-' and '_', and must not be \"ckpt\".");
        var role = fields.Choice("role", ("user", KeyRole.User), ("admin", KeyRole.Admin)) ?? KeyRole.User;
        var expires = ReadEnd(fields, now);
        var weight = fields.Number("weight", MinWeight, MaxWeight);
        var quotas = ReadQuotas(fields, errors);
        fields.Close();
        return new(name ?? "", tenant, role, expires, weight, quotas);
    }

    /// <summary>A name that is safe as a part of keys and paths.</summary>
    public static bool IsTenant(string tenant) =>
        tenant.Length is > 0 and <= LongestTenant && char.IsAsciiLetterOrDigit(tenant[0]) && !tenant.AsSpan().ContainsAnyExcept(s_tenantLetters) && tenant != Reserved;

    private static DateTimeOffset? ReadEnd(FieldReader fields, DateTimeOffset now)
    {
        var (at, within) = (fields.Raw("expires_at"), fields.Text("expires_in", 20));
        if (at is not null && within is not null) fields.Error("expires_in", "is given beside expires_at: one of them, please.");
        if (at is { } moment)
        {
            var latest = now + s_longestLife;
            if (WholeNumber.TryRead(moment, out var seconds) && seconds > now.ToUnixTimeSeconds() && seconds <= latest.ToUnixTimeSeconds())
                return DateTimeOffset.FromUnixTimeSeconds((long)seconds);
            fields.Error("expires_at", $"must be a Unix time in seconds from now to {latest.ToUnixTimeSeconds()}, and is {FieldReader.Name(moment)}.");
        }
        if (within is null) return null;
        if (TryReadSpan(within, out var span)) return now + span;
        fields.Error("expires_in", $"must be a number of minutes, hours or days as \"90m\", \"12h\" or \"30d\", 3650d at most, and is \"{within}\".");
        return null;
    }

    private static bool TryReadSpan(string text, out TimeSpan span)
    {
        span = TimeSpan.Zero;
        if (text.Length < 2 || !int.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var count)) return false;
        var seconds = count * (double)(text[^1] switch { 'm' => 60, 'h' => 3600, 'd' => 86400, _ => 0 });
        if (seconds <= 0 || seconds > s_longestLife.TotalSeconds) return false;
        span = TimeSpan.FromSeconds(seconds);
        return true;
    }

    private static KeyQuotas ReadQuotas(FieldReader fields, List<ItemError> errors)
    {
        if (fields.Raw("quotas") is not { } element) return KeyQuotas.None;
        var quotas = new FieldReader(element, "quotas", errors);
        var read = new KeyQuotas(
            quotas.Whole("queued_items", 1, MaxOfQuota), quotas.Whole("images_per_hour", 1, MaxOfQuota), quotas.Whole("concurrent_streams", 1, MaxOfQuota));
        quotas.Close();
        return read;
    }
}

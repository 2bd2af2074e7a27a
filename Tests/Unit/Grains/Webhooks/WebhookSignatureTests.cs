using System.Globalization;
using System.Security.Cryptography;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Webhooks;
using Microsoft.AspNetCore.Http;
using StandardWebhooks;
using StandardWebhooks.Diagnostics;

namespace Emu3.Tests.Unit.Grains.Webhooks;

/// <summary>What receivers do with our signatures, as their library does it.</summary>
[Trait("Suite", "Fast")]
public sealed class WebhookSignatureTests
{
    private static readonly byte[] s_secret = RandomNumberGenerator.GetBytes(32);
    private static readonly byte[] s_old = RandomNumberGenerator.GetBytes(32);
    private static readonly WebhookNotice s_notice = new("evt_0123_1", "acme", "https://example.org/x", """{"id":"evt_0123_1","text":"ein Bär"}""");
    private static readonly DateTimeOffset s_now = TimeProvider.System.GetUtcNow();

    [Fact]
    public void Signature_IsTakenByTheLibrary()
    {
        Receive(s_secret, Headers(s_now));
        Assert.Equal(new StandardWebhook(s_secret).Sign(s_notice.EventId, s_now, s_notice.Body), WebhookSignature.Of(s_notice, s_now, new(s_secret, [])));
    }

    [Fact]
    public void Secrets_ThatWereChanged_BothSign_UntilTheOldOneEnds()
    {
        var secrets = new WebhookSecretSet(s_secret, [new(s_old, s_now.AddHours(1))]);
        Receive(s_secret, Headers(s_now, secrets));
        Receive(s_old, Headers(s_now, secrets));

        Refuse(s_old, Headers(s_now, new(s_secret, [new(s_old, s_now)])));
    }

    [Fact]
    public void Forged_IsRefusedByTheLibrary()
    {
        Refuse(s_old, Headers(s_now)); // another's secret
        Refuse(s_secret, Headers(s_now), s_notice.Body + " ");
        Refuse(s_secret, Headers(s_now, change: headers => headers["webhook-id"] = "evt_0123_2"));
        Refuse(s_secret, Headers(s_now, change: headers => headers["webhook-timestamp"] = Seconds(s_now.AddSeconds(1))));
        Refuse(s_secret, Headers(s_now, change: headers => headers["webhook-signature"] = "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="));
        Refuse(s_secret, Headers(s_now, change: headers => headers.Remove("webhook-signature")));
    }

    /// <summary>Replayed: the signature is right, and too old for a receiver.</summary>
    [Fact]
    public void Old_IsRefusedByTheLibrary()
    {
        Receive(s_secret, Headers(s_now.AddMinutes(-4)));
        Refuse(s_secret, Headers(s_now.AddMinutes(-6)));
        Refuse(s_secret, Headers(s_now.AddMinutes(6)));
    }

    [Fact]
    public void Secrets_AreRotated_AndTheLastOnesSignAlong()
    {
        var state = new WebhookSecretsState { Current = [1] };
        for (byte next = 2; next <= 6; next++) state = state.Rotated([next], s_now, TimeSpan.FromHours(24));

        Assert.Equal([6], state.Current);
        Assert.Equal([5, 4, 3], state.Previous.Select(previous => previous.Secret[0]));
        Assert.Same(state, state.Rotated([6], s_now.AddHours(1), TimeSpan.FromHours(24))); // the same call, repeated
        Assert.Empty(state.Tell(s_now.AddHours(24)).Previous);
        Assert.Equal([6], state.Rotated([7], s_now.AddHours(25), TimeSpan.FromHours(24)).Previous.Select(previous => previous.Secret[0]));
    }

    private static void Receive(byte[] secret, HeaderDictionary headers, string? body = null) =>
        new StandardWebhook($"whsec_{Convert.ToBase64String(secret)}").Verify(body ?? s_notice.Body, headers);

    private static void Refuse(byte[] secret, HeaderDictionary headers, string? body = null) =>
        Assert.Throws<WebhookVerificationException>(() => Receive(secret, headers, body));

    private static HeaderDictionary Headers(DateTimeOffset at, WebhookSecretSet? secrets = null, Action<HeaderDictionary>? change = null)
    {
        var headers = new HeaderDictionary
        {
            ["webhook-id"] = s_notice.EventId,
            ["webhook-timestamp"] = Seconds(at),
            ["webhook-signature"] = WebhookSignature.Of(s_notice, at, secrets ?? new(s_secret, [])),
        };
        change?.Invoke(headers);
        return headers;
    }

    private static string Seconds(DateTimeOffset time) => time.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
}

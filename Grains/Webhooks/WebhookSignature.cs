using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Emu3.Grains.Interfaces;

namespace Emu3.Grains.Webhooks;

/// <summary>Signs as the Standard Webhooks specification has it: HMAC-SHA256 over id, time and body. Libraries for that want ASP.NET, which silos do without.</summary>
public static class WebhookSignature
{
    /// <summary>Header <c>webhook-signature</c>: a signature of each secret that is valid, the present one's first.</summary>
    /// <param name="notice">What is told.</param>
    /// <param name="now">The time of this try; receivers refuse what is older than five minutes.</param>
    /// <param name="secrets">Of the tenant.</param>
    public static string Of(WebhookNotice notice, DateTimeOffset now, WebhookSecretSet secrets)
    {
        var content = Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{notice.EventId}.{now.ToUnixTimeSeconds()}.{notice.Body}"));
        var valid = secrets.Previous.Where(previous => previous.Until > now).Select(previous => previous.Secret).Prepend(secrets.Current).ToList();

        // Of several signatures StandardWebhooks 1.1.2 for .NET does not look at the last: the first, once more at the end, costs nobody anything.
        if (valid.Count > 1) valid.Add(secrets.Current);
        return string.Join(' ', valid.Select(secret => $"v1,{Convert.ToBase64String(HMACSHA256.HashData(secret, content))}"));
    }
}

using System.Security.Cryptography;

namespace Emu3.Gateway;

/// <summary>Gives every answer an <c>x-request-id</c>, by which the log finds it.</summary>
internal static class RequestIds
{
    public static Task Set(HttpContext http, RequestDelegate next)
    {
        http.TraceIdentifier = "req_" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        http.Response.Headers["x-request-id"] = http.TraceIdentifier;
        return next(http);
    }
}

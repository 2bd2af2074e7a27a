using Emu3.Gateway.Contracts;

namespace Emu3.Gateway;

/// <summary>An answer in JSON, as all are written.</summary>
internal sealed class JsonAnswer<T>(T value, int status = StatusCodes.Status200OK) : IResult
{
    public Task ExecuteAsync(HttpContext httpContext) => Results.Json(value, GatewayJson.Options, statusCode: status).ExecuteAsync(httpContext);
}

using Microsoft.Extensions.Logging;

namespace Emu3.Grains.Webhooks;

/// <summary>Hosts are told and whole addresses are not: their paths may be secret.</summary>
public sealed partial class WebhookDelivery
{
    [LoggerMessage(LogLevel.Information, "Webhook {Event} was delivered to {Host} with try {Try}.")]
    private partial void LogDelivered(string @event, string host, int @try);

    [LoggerMessage(LogLevel.Warning, "Webhook {Event} was not taken by {Host} with try {Try}; it is tried again at {Next}. {Problem}")]
    private partial void LogRetried(string @event, string host, int @try, string? problem, DateTimeOffset? next);

    [LoggerMessage(LogLevel.Warning, "Webhook {Event} to {Host} is given up after try {Try}. {Problem}")]
    private partial void LogFailed(string @event, string host, int @try, string? problem);

    [LoggerMessage(LogLevel.Warning, "Webhook {Event} could not be tried; that is done within a minute.")]
    private partial void LogNotTried(Exception failure, string @event);

    [LoggerMessage(LogLevel.Error, "Delivery {Delivery} could not be stored; it starts again from what is stored.")]
    private partial void LogNotStored(Exception failure, string delivery);
}

using Microsoft.Extensions.Logging;

namespace Emu3.Inference.Engine;

public sealed partial class Emu3Engine
{
    [LoggerMessage(LogLevel.Information, "{Model} is ready: {SlotCount} slots of {Positions} positions; {NumericClass}")]
    private partial void LogReady(string model, int slotCount, int positions, string numericClass);

    [LoggerMessage(LogLevel.Information, "Row invariance: {Verdict}")]
    private partial void LogSelfTest(string verdict);

    [LoggerMessage(LogLevel.Warning, "Row invariance does not hold here: the same request may give other tokens when it runs beside others ({NumericClass})")]
    private partial void LogNotInvariant(string numericClass);

    [LoggerMessage(LogLevel.Warning, "Request {RequestId} failed: {Code}, {Reason}")]
    private partial void LogFailed(string requestId, EngineFailureCode code, string reason);

    [LoggerMessage(LogLevel.Error, "The vision tokenizer failed on the picture of request {RequestId}")]
    private partial void LogPictureFailed(Exception cause, string requestId);

    [LoggerMessage(LogLevel.Critical, "The engine stopped; {RequestCount} requests were running")]
    private partial void LogStopped(Exception cause, int requestCount);
}

namespace Emu3.Cli.Devices;

internal sealed partial class DeviceSupervisor
{
    [LoggerMessage(LogLevel.Information, "{Device} has process {ProcessId}.")]
    private partial void LogStarted(string device, int processId);

    [LoggerMessage(LogLevel.Information, "{Device} takes work.")]
    private partial void LogReady(string device);

    [LoggerMessage(LogLevel.Warning, "The process of {Device} {Reason}; it is started again in {Seconds:0.0} s.")]
    private partial void LogRestarting(string device, string reason, double seconds);

    [LoggerMessage(LogLevel.Error, "{Device} is given up after {Count} failures to load its model: {Reason}")]
    private partial void LogGivenUp(string device, int count, string reason);

    [LoggerMessage(LogLevel.Warning, "The cluster could not be told that silo {Silo} is gone; it finds out by itself.")]
    private partial void LogNotDeclared(Exception failure, string silo);

    [LoggerMessage(LogLevel.Warning, "[{Device}] {Line}")]
    private partial void LogChild(string device, string line);
}

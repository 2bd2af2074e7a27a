using System.Globalization;
using Emu3.Storage;
using Microsoft.Extensions.Logging.Console;

namespace Emu3.Cli;

/// <summary>
/// Where the cluster's log goes while it runs inside a command: warnings into <c>logs/emu3.log</c> of the data folder, so that the terminal stays readable;
/// with <c>--verbose</c> everything onto standard error.
/// </summary>
internal sealed class ClusterLog(DataFolder folder, bool isVerbose, TimeProvider time) : IDisposable
{
    private const long LongestFile = 8 << 20;

    // One for both hosts of the process: two writers of one file, each at the place that it remembers, would overwrite each other's lines.
    private readonly FileProvider _file = new(Path.Combine(folder.FullPath, "logs", "emu3.log"), time);

    public void AddTo(ILoggingBuilder logging)
    {
        logging.ClearProviders();
        if (isVerbose)
        {
            logging.SetMinimumLevel(LogLevel.Information);
            logging.AddConsole(options => options.LogToStandardErrorThreshold = LogLevel.Trace);
            logging.AddSimpleConsole(options => (options.SingleLine, options.ColorBehavior) = (true, LoggerColorBehavior.Disabled));
            return;
        }

        logging.SetMinimumLevel(LogLevel.Warning);
        logging.AddProvider(_file);
    }

    public void Dispose() => _file.Dispose();

    private sealed class FileProvider(string path, TimeProvider time) : ILoggerProvider
    {
        private readonly Lock _lock = new();
        private StreamWriter? _writer;

        public ILogger CreateLogger(string categoryName) => new FileLogger(this, categoryName);

        public void Write(string category, LogLevel level, string message, Exception? exception)
        {
            var entry = string.Create(CultureInfo.InvariantCulture, $"{time.GetUtcNow():yyyy-MM-ddTHH:mm:ssZ} {level} {category}: {message}");
            lock (_lock)
            {
                try
                {
                    _writer ??= Open();
                    _writer.WriteLine(entry);
                    if (exception is not null)
                    {
                        _writer.WriteLine(exception);
                    }

                    _writer.Flush();
                }
                catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
                {
                    // A full disk must not fail the request that has something to log. Standard error is what is left.
                    Console.Error.WriteLine(entry);
                    _writer = null;
                }
            }
        }

        public void Dispose()
        {
            lock (_lock)
            {
                _writer?.Dispose();
                _writer = null;
            }
        }

        private StreamWriter Open()
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            var file = new FileInfo(path);
            return new(new FileStream(path, file.Exists && file.Length > LongestFile ? FileMode.Create : FileMode.Append, FileAccess.Write, FileShare.ReadWrite));
        }
    }

    private sealed class FileLogger(FileProvider provider, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                provider.Write(category, logLevel, formatter(state, exception), exception);
            }
        }
    }
}

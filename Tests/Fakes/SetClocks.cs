namespace Emu3.Tests.Fakes;

/// <summary>
/// Clocks of processes that a test sets while they run, each its own, by Debian's libfaketime. Only the wall clock is set: timers, timestamps and the times
/// of files stay true.
/// </summary>
internal sealed class SetClocks
{
    private readonly string _folder;

    public SetClocks(string folder)
    {
        _folder = folder;
        Directory.CreateDirectory(folder);
    }

    /// <summary>Why there are none here; null where there are.</summary>
    public static string? Refusal => Library is null ? "libfaketime is not installed (Debian: apt-get install faketime)." : null;

    private static string? Library => Directory.Exists("/usr/lib")
        ? Directory.EnumerateDirectories("/usr/lib", "*-linux-gnu").Select(place => Path.Combine(place, "faketime", "libfaketimeMT.so.1")).FirstOrDefault(File.Exists)
        : null;

    /// <summary>Variables that put a process under a clock, which is right at first.</summary>
    public IReadOnlyDictionary<string, string> Of(string process)
    {
        if (!File.Exists(FileOf(process))) Set(process, TimeSpan.Zero);
        return new Dictionary<string, string>
        {
            ["LD_PRELOAD"] = Library!,
            ["FAKETIME_TIMESTAMP_FILE"] = FileOf(process),
            ["FAKETIME_CACHE_DURATION"] = "1", // seconds; without it every look at any clock reads the file
            ["FAKETIME_DONT_FAKE_MONOTONIC"] = "1",
            ["DONT_FAKE_MONOTONIC"] = "1",
            ["NO_FAKE_STAT"] = "1",
            ["FAKETIME_FORCE_MONOTONIC_FIX"] = "0", // else timed waits on a condition end at once, and every thread of .NET that waits takes a processor
        };
    }

    /// <summary>The longest that a running process goes on by the clock that it had.</summary>
    public static TimeSpan Delay { get; } = TimeSpan.FromSeconds(1.5);

    /// <summary>Sets the clock of a process; one that runs sees it after <see cref="Delay"/>, and says so nowhere.</summary>
    /// <param name="process">Its name.</param>
    /// <param name="ahead">Of the true time; negative: behind.</param>
    public void Set(string process, TimeSpan ahead)
    {
        // In one step: the process may read it any time.
        var next = FileOf(process) + ".next";
        File.WriteAllText(next, FormattableString.Invariant($"{(ahead < TimeSpan.Zero ? "" : "+")}{(long)ahead.TotalSeconds}\n"));
        File.Move(next, FileOf(process), overwrite: true);
    }

    private string FileOf(string process) => Path.Combine(_folder, process);
}

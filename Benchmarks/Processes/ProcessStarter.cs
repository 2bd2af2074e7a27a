using System.Collections.Concurrent;
using System.Diagnostics;

namespace Emu3.Benchmarks.Processes;

/// <summary>
/// Starts programs that die with this process, however it ends, and whose output goes to a file. Linux ties a child to the thread that made it
/// (<c>PR_SET_PDEATHSIG</c>), so one thread that lives as long as the process starts them all.
/// </summary>
internal static class ProcessStarter
{
    // The shell gives way to setpriv, and that to the program: the id stays the program's own.
    private const string Script = "log=$1; shift; exec setpriv --pdeathsig KILL -- \"$@\" >>\"$log\" 2>&1 </dev/null";
    private static readonly BlockingCollection<Action> s_work = [];

    static ProcessStarter() => new Thread(() =>
    {
        foreach (var work in s_work.GetConsumingEnumerable()) work();
    })
    { IsBackground = true, Name = "process-starter" }.Start();

    /// <summary>Starts a command line.</summary>
    /// <param name="launcher">A command that the program is started by, as <c>ip netns exec NAME</c>; may be empty.</param>
    /// <param name="command">Program and arguments.</param>
    /// <param name="environment">Variables beside those of this process.</param>
    /// <param name="log">File that its output is appended to.</param>
    public static Process Start(IEnumerable<string> launcher, IEnumerable<string> command, IReadOnlyDictionary<string, string> environment, string log)
    {
        string[] shell = [.. launcher, "sh", "-c", Script, "sh", log, .. command];
        var start = new ProcessStartInfo(shell[0], shell.Skip(1)) { UseShellExecute = false };
        foreach (var (name, value) in environment) start.Environment[name] = value;
        var started = new TaskCompletionSource<Process>();
        s_work.Add(() =>
        {
            try
            {
                started.SetResult(Process.Start(start)!);
            }
            catch (Exception failure)
            {
                started.SetException(failure);
            }
        });
        return started.Task.GetAwaiter().GetResult();
    }
}

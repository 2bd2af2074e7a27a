using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Emu3.Cli;
using Emu3.Cli.Commands;

// Numbers are written and read with a point everywhere, as in the files.
CultureInfo.CurrentCulture = CultureInfo.DefaultThreadCurrentCulture = CultureInfo.InvariantCulture;
Console.OutputEncoding = Encoding.UTF8;

// The first signal ends the command in good order, the second at once.
using var interrupt = new CancellationTokenSource();
using var onInterrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, End);
using var onTermination = PosixSignalRegistration.Create(PosixSignal.SIGTERM, End);
return await CommandLine.RunAsync(args, CliConsole.OfProcess(), interrupt.Token);

void End(PosixSignalContext context)
{
    context.Cancel = true;
    if (context.Signal == PosixSignal.SIGINT && args is [DeviceCommand.Name, ..])
    {
        return; // a terminal's Ctrl-C reaches the children too: the emu3 that started this one says when to end, and it may finish answers first
    }

    if (interrupt.IsCancellationRequested)
    {
        Environment.Exit(ExitCode.Interrupted);
    }

    interrupt.Cancel();
}

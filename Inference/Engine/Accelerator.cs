namespace Emu3.Inference.Engine;

/// <summary>
/// The accelerator of this program. A program has one when it was built with <c>-p:Accelerator=cuda</c>, which makes the hosts reference <c>Inference.Torch</c>.
/// It is found by its name, because nothing here may reference that project.
/// </summary>
public static class Accelerator
{
    internal const string TypeName = "Emu3.Inference.Engine.TorchAccelerator, Emu3.Inference.Torch";

    /// <summary>What is missing where there is none, and what to do: the end of a sentence.</summary>
    public const string Missing = "this build of the program has no GPU support. Build it with the property Accelerator=cuda "
        + "(dotnet run -p:Accelerator=cuda --project Cli -c Release -- …)";

    /// <summary>Whether this program can run on devices other than the processor.</summary>
    public static bool IsInstalled => Installed is not null;

    internal static IAccelerator? Installed { get; } = Type.GetType(TypeName) is { } type ? (IAccelerator)Activator.CreateInstance(type, nonPublic: true)! : null;

    /// <summary>Versions and paths of the native libraries that it computes with, in one line. Loads them.</summary>
    /// <param name="device">That it is asked about.</param>
    /// <exception cref="InvalidOperationException">This program has none.</exception>
    /// <exception cref="DllNotFoundException">A library is missing or can't be loaded.</exception>
    public static string Describe(string device) => Required($"The device is {device}").Describe();

    /// <summary>The accelerator.</summary>
    /// <param name="because">The beginning of a sentence: what asks for it.</param>
    /// <exception cref="InvalidOperationException">This program has none.</exception>
    internal static IAccelerator Required(string because) => Installed ?? throw new InvalidOperationException($"{because}, but {Missing}.");
}

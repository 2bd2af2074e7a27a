using Emu3.Inference.Weights;

namespace Emu3.Cli;

/// <summary>Which checkpoint a command means.</summary>
internal static class ModelPath
{
    private static readonly string s_default = Path.Combine("models", "emu3-tiny");

    /// <summary>
    /// What <c>--model</c> says; without it <c>models/emu3-tiny</c>, looked for beside the program and in every folder above it (so it is found from a build of
    /// this repository), then in the current folder and every one above.
    /// </summary>
    /// <exception cref="CommandException">There is no such checkpoint; the message says where it was looked for.</exception>
    public static ModelFolder Find(string? model, string? vision)
    {
        try
        {
            return ModelFolder.Open(model ?? FindDefault(), vision);
        }
        catch (CheckpointException e)
        {
            throw CommandException.BadInput(e.Message, e);
        }
    }

    /// <summary>The name that a model is served by, from what was typed: the last part of a folder's whole path (<c>.</c> and <c>..</c> have names as well), or of a repository's name.</summary>
    public static string NameOf(string model) =>
        Path.GetFileName(Path.TrimEndingDirectorySeparator(Directory.Exists(model) ? Path.GetFullPath(model) : model));

    private static string FindDefault() => Above(AppContext.BaseDirectory) ?? Above(Directory.GetCurrentDirectory()) ?? throw CommandException.BadInput(
        $"There is no {s_default} in or above {AppContext.BaseDirectory} or {Directory.GetCurrentDirectory()}: name a checkpoint with --model.");

    private static string? Above(string folder)
    {
        for (var parent = new DirectoryInfo(folder); parent is not null; parent = parent.Parent)
        {
            var candidate = Path.Combine(parent.FullName, s_default);
            if (File.Exists(Path.Combine(candidate, "config.json")))
            {
                return candidate;
            }
        }

        return null;
    }
}

using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Emu3.Cli.Batch.Plan;

namespace Emu3.Cli.Batch;

/// <summary>What is asked for: the command line, the input and the model together, as a plan here and as a job on the wire.</summary>
internal sealed record BatchWork(BatchOptions Options, BatchInput Input, ServedModel Model)
{
    /// <summary>Every output, and all that is wrong with the lines.</summary>
    public BatchPlan Plan(ulong seed)
    {
        var plan = BatchPlan.Of(Input.Items, BatchDefaults.Read(WireDefaults()), seed, Model.Info);
        return plan with { Outputs = [.. plan.Outputs.Where(output => Options.Shard.Takes(output.ItemIndex))], Errors = [.. Input.Errors, .. plan.Errors] };
    }

    /// <summary>The seed of the command line, else the one that the folder was begun with, else a fresh one.</summary>
    public ulong SeedOf(BatchHistory history) => Options.Seed ?? (history.Seed is { } seed
        ? ulong.Parse(seed, CultureInfo.InvariantCulture)
        : BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong))));

    /// <summary>The first line of a submission.</summary>
    public JsonObject JobObject(ulong seed)
    {
        var job = new JsonObject { ["seed"] = Text(seed) };
        if (Options.Model is not null)
        {
            job["model"] = Model.Id;
        }

        if (Options.Priority is not null)
        {
            job["priority"] = Options.Priority;
        }

        if (Options.MaxFailures is not null)
        {
            job["max_failures"] = Options.MaxFailures;
        }

        if (WireDefaults() is { Count: > 0 } defaults)
        {
            job["defaults"] = defaults;
        }

        return job;
    }

    public static string Text(ulong seed) => seed.ToString(CultureInfo.InvariantCulture);

    private JsonObject WireDefaults()
    {
        var defaults = Options.Defaults.DeepClone().AsObject();
        if (Options.Question is not null)
        {
            defaults["question"] = Options.Question;
        }

        return defaults;
    }
}

namespace Emu3.Grains.Interfaces;

/// <summary>What a tenant's jobs used, for ever: the hours in which it had any; the jobs are in <see cref="IUsageHour"/>. Key: <see cref="KeyOf"/>.</summary>
[Alias("emu3.IUsageLedger")]
public interface IUsageLedger : IGrainWithStringKey
{
    public static string KeyOf(string tenant) => $"tenant/{tenant}";

    /// <summary>Takes in what a job used. Durable when it returns. Told again, it is counted once; a later attempt takes the place of an earlier one.</summary>
    [Alias("Tell")] Task Tell(JobUsage usage);

    /// <summary>Hours, counted from the Unix epoch, in which jobs were accepted that have ended: from one until before another, in order.</summary>
    [Alias("Hours")] Task<int[]> Hours(int from, int until);
}

/// <summary>A part of an hour of <see cref="IUsageLedger"/>, which alone tells it: no row grows with all that a tenant ever used. Key: <see cref="KeyOf"/>.</summary>
[Alias("emu3.IUsageHour")]
public interface IUsageHour : IGrainWithStringKey
{
    /// <summary>Grains that share an hour, by the job's hash.</summary>
    public const int PartCount = 16;

    public static string KeyOf(string tenant, int hour, long part) => $"tenant/{tenant}/{hour}/{part}";

    /// <summary>Durable when it returns. See <see cref="IUsageLedger.Tell"/>.</summary>
    [Alias("Tell")] Task Tell(JobUsage usage);

    /// <summary>The jobs, in the order of their ids.</summary>
    [Alias("Read")] Task<JobUsage[]> Read();
}

/// <summary>The tenants that ever used anything. Key 0.</summary>
[Alias("emu3.IUsageTenants")]
public interface IUsageTenants : IGrainWithIntegerKey
{
    /// <summary>Durable when it returns. Idempotent.</summary>
    [Alias("Add")] Task Add(string tenant);

    /// <summary>In the order of their names.</summary>
    [Alias("List")] Task<string[]> List();
}

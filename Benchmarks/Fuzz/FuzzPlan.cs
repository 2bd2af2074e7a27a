using System.Text;
using Emu3.Grains.Interfaces.Requests;

namespace Emu3.Benchmarks.Fuzz;

/// <summary>The requests of a run: each a pure function of the run's seed, its number, and what there is to ask about.</summary>
internal static class FuzzPlan
{
    private const double Untouched = 0.08;
    private static readonly SeedRequest[] s_seeds = [.. SeedRequests.All.SelectMany(seed => Enumerable.Repeat(seed, seed.Weight))];

    /// <summary>The request of that number.</summary>
    public static FuzzRequest Make(int seed, int number, FuzzWorld world)
    {
        var random = RandomOf(seed, number);
        var from = s_seeds[random.Next(s_seeds.Length)];
        var draft = Draft(from, random, world);
        if (random.NextDouble() >= Untouched) Mutator.Mutate(draft, from, random);
        var bytes = draft.Write();
        var count = draft.SentShare < 1 ? Math.Clamp((int)(bytes.Length * draft.SentShare), 1, bytes.Length - 1) : bytes.Length;
        return new(number, from.Route, draft.Mutations, bytes[..count], draft.End)
        {
            Method = draft.Method,
            MayBreakProtocol = draft.MayBreakProtocol || count < bytes.Length,
            HasReadableBody = count == bytes.Length && !draft.IsFramed && !draft.HasBrokenHeader && draft.Header("Content-Type") == from.ContentType && IsReadable(draft.Body, from.Form),
        };
    }

    /// <summary>SplitMix64 over both, so that neighbours have nothing in common.</summary>
    private static Random RandomOf(int seed, int number)
    {
        var mixed = ((ulong)(uint)seed << 32 | (uint)number) + 0x9E3779B97F4A7C15;
        mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9;
        mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB;
        return new Random((int)(mixed ^ mixed >> 31));
    }

    private static RequestDraft Draft(SeedRequest from, Random random, FuzzWorld world)
    {
        var draft = new RequestDraft { Method = from.Method, Target = world.Fill(from.Target), Body = RequestDraft.Bytes(world.Fill(from.Body)) };
        draft.Headers.Add(("Host", world.Host));
        draft.Headers.Add(("Connection", "close"));
        // Now and then someone else asks than should.
        var caller = random.Next(20) == 0 ? (FuzzCaller)random.Next(3) : from.Caller;
        if (caller != FuzzCaller.Nobody) draft.Headers.Add(("Authorization", $"Bearer {(caller == FuzzCaller.Admin ? world.AdminKey : world.UserKey)}"));
        if (from.ContentType is { } type) draft.Headers.Add(("Content-Type", type));
        draft.Headers.AddRange(from.Headers);
        return draft;
    }

    private static bool IsReadable(string body, BodyForm form)
    {
        if (form is not (BodyForm.Json or BodyForm.JsonLines)) return false;
        string[] documents = form == BodyForm.Json ? [body] : [.. body.Split('\n').Where(line => line.Trim(' ', '\t', '\r').Length > 0)];
        return documents.Length > 0 && documents.All(IsObject);
    }

    private static bool IsObject(string json)
    {
        using var document = StrictJson.Parse(Encoding.Latin1.GetBytes(json), out _);
        return document?.RootElement.ValueKind == System.Text.Json.JsonValueKind.Object;
    }
}

namespace Emu3.Benchmarks.Fuzz;

/// <summary>Changes a request, in one way mostly, sometimes in several: body, target, headers, method, and how it is sent.</summary>
internal static class Mutator
{
    private delegate string Change(RequestDraft draft, Random random);

    private static readonly (int Weight, Change Change)[] s_rest =
        [(5, TargetMutator.Mutate), (4, HeaderMutator.Mutate), (1, MutateMethod), (2, WireMutator.Mutate)];

    /// <summary>Changes the draft and notes what was done.</summary>
    public static void Mutate(RequestDraft draft, SeedRequest from, Random random)
    {
        do
        {
            if (draft.IsFramed) return; // how it is sent is decided: the body must stay as it is
            var hasBody = from.Form != BodyForm.None;
            var name = hasBody && random.Next(3) > 0 ? MutateBody(draft, from.Form, random) : Draw(random)(draft, random);
            draft.Mutations.Add(name);
        }
        while (random.Next(4) == 0);
    }

    private static string MutateBody(RequestDraft draft, BodyForm form, Random random)
    {
        if (form == BodyForm.Multipart) return FormMutator.Mutate(draft, random);
        (var name, draft.Body) = form == BodyForm.Json ? JsonMutator.Mutate(draft.Body, random) : JsonMutator.MutateLines(draft.Body, random);
        return name;
    }

    private static Change Draw(Random random)
    {
        var at = random.Next(s_rest.Sum(way => way.Weight));
        foreach (var (weight, change) in s_rest)
            if ((at -= weight) < 0) return change;
        return s_rest[^1].Change;
    }

    private static string MutateMethod(RequestDraft draft, Random random)
    {
        string[] methods = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "CONNECT", "get", "PROPFIND", "FUZZ", "G\xCBT", "", "POST\t", new('A', 5_000)];
        draft.Method = OddText.Pick(methods, random);
        // CONNECT has a target of its own form; the rest are no words of HTTP.
        draft.MayBreakProtocol |= draft.Method is "CONNECT" or "" || draft.Method.Length > 100 || draft.Method.Any(letter => !char.IsAsciiLetter(letter));
        return "method";
    }
}

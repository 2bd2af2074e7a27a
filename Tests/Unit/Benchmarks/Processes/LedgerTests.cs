using System.Text.Json;
using Emu3.Benchmarks.Processes;

namespace Emu3.Tests.Unit.Benchmarks.Processes;

[Trait("Suite", "Fast")]
public sealed class LedgerTests
{
    [Fact]
    public void Ledger_AllItemsOnce_IsClean()
    {
        var ledger = new Ledger(258);
        for (var item = 0; item < 256; item++) ledger.Take(Item(item, $"{item + 1}"));
        ledger.Take(Item(257, "256.1"));
        ledger.Take(Item(256, "256.2"));
        ledger.Take(End("256.2", resumed: 3));

        var verdict = ledger.Judge(Undisturbed);

        Assert.Equal("lost 0, twice 0, different 0, poisoned 0", verdict.ToString());
        Assert.True(verdict.IsClean);
        Assert.Equal((258, 3), (verdict.Right, verdict.Resumed));
    }

    [Fact]
    public void Ledger_ProgressBeforeTheFirstOutcome_IsNoGap()
    {
        var ledger = new Ledger(1);
        ledger.Take(new(null, "progress", "{}"));
        ledger.Take(Item(0, "1"));
        ledger.Take(End("1"));

        Assert.True(ledger.Judge(Undisturbed).IsClean);
    }

    [Theory]
    [InlineData("an item is missing", "lost 1, twice 0, different 0, poisoned 0")]
    [InlineData("an item comes again", "lost 1, twice 1, different 0, poisoned 0")]
    [InlineData("an id is left out", "lost 1, twice 0, different 0, poisoned 0")]
    [InlineData("no end", "lost 1, twice 0, different 0, poisoned 0")]
    [InlineData("two ends", "lost 0, twice 1, different 0, poisoned 0")]
    [InlineData("other tokens", "lost 0, twice 0, different 1, poisoned 0")]
    [InlineData("another file", "lost 0, twice 0, different 1, poisoned 0")]
    [InlineData("poisoned", "lost 0, twice 0, different 0, poisoned 1")]
    [InlineData("failed", "lost 1, twice 0, different 0, poisoned 0")]
    [InlineData("cancelled", "lost 1, twice 0, different 0, poisoned 0")]
    public void Ledger_WhateverIsWrong_IsCounted(string what, string expected)
    {
        var events = what switch
        {
            "an item is missing" => [Item(0, "1"), Item(1, "2"), End("2")],
            "an item comes again" => [Item(0, "1"), Item(1, "2"), Item(1, "2"), Item(2, "3"), End("3")],
            "an id is left out" => [Item(0, "1"), Item(1, "3"), Item(2, "4"), End("4")],
            "no end" => [Item(0, "1"), Item(1, "2"), Item(2, "3")],
            "two ends" => [Item(0, "1"), Item(1, "2"), Item(2, "3"), End("3"), End("3")],
            "other tokens" => [Item(0, "1"), Item(1, "2", tokens: "x"), Item(2, "3"), End("3")],
            "another file" => [Item(0, "1"), Item(1, "2", file: "x"), Item(2, "3"), End("3")],
            "poisoned" => [Item(0, "1"), Item(1, "2", status: "failed", error: "item_poisoned"), Item(2, "3"), End("3")],
            "failed" => [Item(0, "1"), Item(1, "2", status: "failed", error: "engine_failed"), Item(2, "3"), End("3")],
            _ => (SeenEvent[])[Item(0, "1"), Item(1, "2", status: "cancelled"), Item(2, "3"), End("3")],
        };
        var ledger = new Ledger(3);
        foreach (var seen in events) ledger.Take(seen);

        var verdict = ledger.Judge(Undisturbed);

        Assert.Equal($"{expected}; {string.Join("; ", verdict.Findings)}", verdict.ToString());
        Assert.NotEmpty(verdict.Findings);
        Assert.False(verdict.IsClean);
    }

    private static SeenOutcome Undisturbed(int item) => new(item, "done", $"tokens {item}", $"file {item}", null);

    private static SeenEvent Item(int item, string cursor, string status = "done", string? tokens = null, string? file = null, string? error = null)
    {
        var isDone = status == "done";
        return new(cursor, "item", JsonSerializer.Serialize(new
        {
            outcome = new
            {
                index = item,
                status,
                tokens_sha256 = isDone ? tokens ?? $"tokens {item}" : null,
                file_sha256 = isDone ? file ?? $"file {item}" : null,
                error = error is null ? null : new { code = error, message = "" },
            },
        }));
    }

    private static SeenEvent End(string cursor, int resumed = 0) => new(cursor, "done", JsonSerializer.Serialize(new { resumed_inside = resumed }));
}

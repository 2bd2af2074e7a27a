using System.Text;
using System.Text.Json;
using Emu3.Tests.Fakes;
using PuppeteerSharp;

namespace Emu3.Tests.Cluster;

/// <summary>The pages in a real browser, as a visitor uses them: draws, sees previews, asks about a picture, watches a job, cancels another.</summary>
[Trait("Suite", "Cluster")]
[Collection(nameof(Alone))]
public sealed class BrowserTests(RealServer server) : IClassFixture<RealServer>, IAsyncLifetime
{
    private static readonly string[] s_places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

    // A browser on a busy machine: what does not come fails its test, and does not hold up the run.
    private static readonly WaitForFunctionOptions s_patience = new() { Timeout = 120_000, PollingInterval = 50 };

    private readonly TemporaryFolder _folder = new();
    private readonly List<string> _complaints = [];
    private IBrowser? _browser;
    private IPage _page = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var place = s_places.FirstOrDefault(File.Exists);
        Assert.SkipWhen(place is null, $"There is no Chromium here: none of {string.Join(", ", s_places)}. Debian's package chromium has it.");
        _browser = await Puppeteer.LaunchAsync(new LaunchOptions
        {
            ExecutablePath = place,
            Headless = true,
            UserDataDir = _folder.PathTo("profile"),
            Args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
        });
        _page = await _browser.NewPageAsync();
        _page.PageError += (_, failure) => _complaints.Add(failure.Message);
        _page.Console += (_, told) => { if (told.Message.Type == ConsoleType.Error) _complaints.Add(told.Message.Text); };
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null) await _browser.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Playground_Visitor_DrawsSeesPreviewsAndAsks()
    {
        await OpenAsync("/");
        await UntilAsync("document.querySelector('#draw-model option') && document.querySelector('#ask-model option')");
        await _page.EvaluateExpressionAsync(
            "window.states = []; new MutationObserver(() => states.push(picture.dataset.state)).observe(picture, { attributes: true, attributeFilter: ['data-state'] })");
        await TypeAsync("#seed", "7");
        await _page.FocusAsync("#draw-start");
        await _page.Keyboard.PressAsync("Enter"); // by keyboard alone
        await UntilAsync("picture.dataset.state === 'done'");

        Assert.Equal(["preview 0", "preview 1", "preview 2", "done"], await _page.EvaluateExpressionAsync<string[]>("states"));
        Assert.Equal(64, await _page.EvaluateExpressionAsync<int>("picture.naturalWidth"));
        Assert.Contains("seed 7", await TextAsync("#caption"), StringComparison.Ordinal);

        var upload = await _page.QuerySelectorAsync("#upload");
        await upload.UploadFileAsync(Repository.PathTo("examples", "pictures", "white-star.png"));
        await UntilAsync("asked.src.startsWith('data:image/png')");
        await _page.ClickAsync("#ask-start");
        await UntilAsync("document.getElementById('ask-status').textContent === 'Done.'");
        Assert.Contains("star", await TextAsync("#answer"), StringComparison.OrdinalIgnoreCase);
        Assert.Empty(_complaints);
    }

    [Fact]
    public async Task JobPage_Visitor_WatchesOneToItsEndAndCancelsAnother()
    {
        var (job, other) = (await SubmitAsync(6), await SubmitAsync(2_000));
        await OpenAsync($"/jobs/{job}");
        await UntilAsync("document.querySelectorAll('#results img').length === 6 && document.getElementById('job-line').textContent.startsWith('completed')");
        Assert.Equal("1", await _page.EvaluateExpressionAsync<string>("String(bar.value / bar.max)"));

        await OpenAsync("/jobs");
        await UntilAsync($"document.querySelector('a[href=\"/jobs/{other}\"]')");
        await _page.ClickAsync($"a[href='/jobs/{other}']");
        await UntilAsync("[...document.querySelectorAll('#verbs button')].some(button => button.textContent === 'Cancel')");
        await _page.EvaluateExpressionAsync("[...document.querySelectorAll('#verbs button')].find(button => button.textContent === 'Cancel').click()");
        await UntilAsync("document.getElementById('job-line')?.textContent.startsWith('cancelled')");
        Assert.Empty(_complaints);
    }

    [Fact]
    public async Task Reference_Visitor_ReadsOfARoute_AndNothingComesFromElsewhere()
    {
        var hosts = new List<string>();
        _page.Request += (_, asked) => { if (asked.Request.Url.StartsWith("http", StringComparison.Ordinal)) hosts.Add(new Uri(asked.Request.Url).Authority); };
        await OpenAsync("/jobs");
        await _page.ClickAsync("nav a[href='/reference']");
        await UntilAsync("document.body.innerText.includes('Draw pictures')");
        await _page.EvaluateExpressionAsync("[...document.querySelectorAll('a')].find(link => link.textContent.includes('Draw pictures')).click()");
        await UntilAsync("document.body.innerText.includes('What to draw.')");

        Assert.NotEmpty(hosts);
        Assert.All(hosts, host => Assert.Equal(server.Address.Authority, host));
        Assert.Empty(_complaints); // nothing was refused by the page's policy either
    }

    private async Task OpenAsync(string path) => await _page.GoToAsync(new Uri(server.Address, path).ToString());

    private Task<IJSHandle> UntilAsync(string expression) => _page.WaitForFunctionAsync($"() => Boolean({expression})", s_patience);

    private async Task TypeAsync(string selector, string text)
    {
        await _page.FocusAsync(selector);
        await _page.Keyboard.TypeAsync(text);
    }

    private Task<string> TextAsync(string selector) => _page.EvaluateExpressionAsync<string>($"document.querySelector('{selector}').textContent");

    private async Task<string> SubmitAsync(int count)
    {
        using var http = DescribedHttp.Client();
        var lines = Enumerable.Range(0, count).Select(item => JsonSerializer.Serialize(new { id = $"star-{item}", prompt = "a big red star on a blue background", seed = item })).Prepend("{}");
        using var answer = await http.PostAsync(
            new Uri(server.Address, "/v1/jobs"), new StringContent(string.Join('\n', lines), Encoding.UTF8, "application/x-ndjson"), Cancellation);
        return JsonSerializer.Deserialize<JsonElement>(await answer.Content.ReadAsStringAsync(Cancellation)).GetProperty("id").GetString()!;
    }
}

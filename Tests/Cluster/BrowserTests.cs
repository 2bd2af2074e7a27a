using System.Text;
using System.Text.Json;
using Emu3.Tests.Fakes;
using Emu3.Tests.Unit.Grains.Interfaces.Requests;
using Emu3.Tests.Unit.Inference.Vision;
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

    /// <summary>
    /// What is wrong with what can be seen: pictures that are broken or without a text, scrolling sideways, text of less than WCAG's contrast of 4.5 to 1 on its
    /// ground (controls that are off are excepted).
    /// </summary>
    private const string Faults = """
        () => {
            const faults = [];
            for (const image of document.images) {
                if (!image.checkVisibility()) continue;
                if (!image.complete || image.naturalWidth === 0) faults.push(`a broken picture: ${image.id} ${image.alt}`);
                if (!image.alt) faults.push(`a picture without a text: ${image.id}`);
            }
            if (document.documentElement.scrollWidth > document.documentElement.clientWidth) faults.push(`scrolls sideways: ${document.documentElement.scrollWidth} pixels`);
            const parse = color => { const [r, g, b, a = 1] = color.match(/[\d.]+/g).map(Number); const scale = color.startsWith("color(") ? 255 : 1; return { rgb: [r * scale, g * scale, b * scale], a }; };
            const luminance = rgb => { const [r, g, b] = rgb.map(each => each / 255).map(each => each <= 0.03928 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
            const groundOf = element => { for (let at = element; at; at = at.parentElement) { const { rgb, a } = parse(getComputedStyle(at).backgroundColor); if (a === 1) return rgb; } return [255, 255, 255]; };
            const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
            while (texts.nextNode()) {
                const element = texts.currentNode.parentElement;
                if (!texts.currentNode.data.trim() || !element.checkVisibility({ visibilityProperty: true }) || element.closest(":disabled, script, .skip, .hidden")) continue;
                const [one, other] = [luminance(parse(getComputedStyle(element).color).rgb), luminance(groundOf(element))];
                const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
                if (contrast < 4.5) faults.push(`contrast ${contrast.toFixed(2)}: ${texts.currentNode.data.trim().slice(0, 40)}`);
            }
            return faults;
        }
        """;

    /// <summary>A PNG whose header is right and whose pixels are no pixels.</summary>
    private static readonly byte[] s_broken = HandmadePng.Build(64, 64, HandmadePng.Rgb, []);

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
        await UntilAsync("document.querySelectorAll('#results img').length === 6 && document.getElementById('job-status').textContent === 'completed'");
        Assert.Equal("1", await _page.EvaluateExpressionAsync<string>("String(bar.value / bar.max)"));

        await OpenAsync("/jobs");
        await UntilAsync($"document.querySelector('a[href=\"/jobs/{other}\"]')");
        await _page.ClickAsync($"a[href='/jobs/{other}']");
        await UntilAsync("[...document.querySelectorAll('#verbs button')].some(button => button.textContent === 'Cancel')");
        await _page.EvaluateExpressionAsync("[...document.querySelectorAll('#verbs button')].find(button => button.textContent === 'Cancel').click()");
        await UntilAsync("document.getElementById('job-status')?.textContent === 'cancelled'");
        Assert.Empty(_complaints);
    }

    /// <summary>Each state of each page, at both widths, in the light and in the dark: <see cref="Faults"/> finds nothing.</summary>
    [Fact]
    public async Task EveryState_OfEveryPage_IsWholeAndReadable()
    {
        var mixed = await SubmitAsync(4, new { id = "broken", image = DataUrls.Of("image/png", s_broken), question = "What is <b>this</b>?" });
        await OpenAsync("/playground");
        await UntilAsync("document.querySelector('#draw-model option')");
        await AssertWholeAsync("the empty playground");

        await _page.EvaluateExpressionAsync("document.getElementById('prompt').value = 'word '.repeat(700)");
        await _page.ClickAsync("#draw-start");
        await UntilAsync("document.getElementById('frame').dataset.state === 'error'");
        Assert.Contains("positions", await TextAsync("#draw-status"), StringComparison.Ordinal);
        await AssertWholeAsync("a playground that drew nothing");
        _complaints.Clear(); // the browser's own, of the answer's status

        await _page.EvaluateExpressionAsync("document.getElementById('prompt').value = 'a big red star on a blue background'");
        await _page.ClickAsync("#draw-start");
        await UntilAsync("document.getElementById('frame').dataset.state === 'drawing'");
        await AssertWholeAsync("a playground that draws");
        await UntilAsync("picture.dataset.state === 'done'");
        await AssertWholeAsync("a playground with a picture");
        await _page.ClickAsync("#picture-open");
        await AssertWholeAsync("the recipe of a picture");

        await OpenAsync("/jobs");
        await UntilAsync("document.querySelector('#jobs li')");
        await AssertWholeAsync("the list of jobs");

        await OpenAsync($"/jobs/{mixed}");
        await UntilAsync("document.querySelectorAll('#results img').length === 4 && document.querySelectorAll('#failed li').length === 1");
        await AssertWholeAsync("a job");
        Assert.Contains("What is <b>this</b>?", await TextAsync("#failed"), StringComparison.Ordinal); // text stays text
        Assert.Contains("failed", await TextAsync("#results li[data-status=failed]"), StringComparison.Ordinal);
        await _page.ClickAsync("#failed button");
        await AssertWholeAsync("the recipe of what failed");
        Assert.Empty(_complaints);
    }

    [Fact]
    public async Task JobPage_Items_ComeByIndexAPageAtATime_AndTheirRecipeMakesThemAgain()
    {
        var job = await SubmitAsync(70);
        await OpenAsync($"/jobs/{job}");
        await UntilAsync("document.querySelectorAll('#results li').length === 60 && document.querySelector('#results img')");
        Assert.Equal("1–60 of 70", await TextAsync("#place"));
        Assert.Equal(Enumerable.Range(0, 60).Select(item => $"{item}: star-{item}"), await NamesAsync());
        Assert.Equal("seed 3", await _page.EvaluateExpressionAsync<string>("document.querySelectorAll('#results li')[3].querySelector('.quiet').textContent"));

        await UntilAsync("document.querySelector('#results li').querySelector('img')");
        await _page.FocusAsync("#results li button");
        await _page.Keyboard.PressAsync("Enter");
        await UntilAsync("document.querySelector('#recipe pre')");
        var request = JsonSerializer.Deserialize<JsonElement>(await TextAsync("#recipe pre"));
        await _page.Keyboard.PressAsync("Escape");
        await UntilAsync("!document.getElementById('recipe')");
        using var http = new HttpClient { BaseAddress = server.Address };
        using var again = await http.PostAsync("/v1/images/generations", new StringContent(request.GetRawText(), Encoding.UTF8, "application/json"), Cancellation);
        var made = JsonSerializer.Deserialize<JsonElement>(await again.Content.ReadAsStringAsync(Cancellation)).GetProperty("data")[0].GetProperty("b64_json").GetBytesFromBase64();
        Assert.Equal(await http.GetByteArrayAsync($"/v1/jobs/{job}/items/0/content", Cancellation), made);

        await _page.ClickAsync("#later");
        await UntilAsync("document.getElementById('place').textContent === '61–70 of 70'");
        Assert.Equal(Enumerable.Range(60, 10).Select(item => $"{item}: star-{item}"), await NamesAsync());
        await UntilAsync("document.getElementById('job-status').textContent === 'completed'");
        await _page.EvaluateExpressionAsync("document.getElementById('order-completion').click()");
        await UntilAsync("document.getElementById('place').textContent === '1–60 of 70'");
        var first = await NamesAsync();
        await _page.ClickAsync("#later");
        await UntilAsync("document.getElementById('place').textContent === '61–70 of 70'");
        Assert.Equal(70, first.Concat(await NamesAsync()).Distinct().Count());
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

    private Task<string[]> NamesAsync() => _page.EvaluateExpressionAsync<string[]>("[...document.querySelectorAll('#results .name')].map(name => name.textContent)");

    private async Task AssertWholeAsync(string state)
    {
        foreach (var width in (int[])[1280, 375])
            foreach (var scheme in (string[])["light", "dark"])
            {
                await _page.SetViewportAsync(new() { Width = width, Height = 800 });
                await _page.EmulateMediaFeaturesAsync([new() { MediaFeature = MediaFeature.PrefersColorScheme, Value = scheme }]);
                Assert.True(await _page.EvaluateFunctionAsync<string[]>(Faults) is [], $"{state}, {width} pixels wide, {scheme}: {string.Join("; ", await _page.EvaluateFunctionAsync<string[]>(Faults))}");
            }
    }

    private Task<string> TextAsync(string selector) => _page.EvaluateExpressionAsync<string>($"document.querySelector('{selector}').textContent");

    private async Task<string> SubmitAsync(int count, params object[] others)
    {
        using var http = DescribedHttp.Client();
        var lines = Enumerable.Range(0, count).Select(item => JsonSerializer.Serialize(new { id = $"star-{item}", prompt = "a big red star on a blue background", seed = item })).Concat(others.Select(other => JsonSerializer.Serialize(other))).Prepend("{}");
        using var answer = await http.PostAsync(
            new Uri(server.Address, "/v1/jobs"), new StringContent(string.Join('\n', lines), Encoding.UTF8, "application/x-ndjson"), Cancellation);
        return JsonSerializer.Deserialize<JsonElement>(await answer.Content.ReadAsStringAsync(Cancellation)).GetProperty("id").GetString()!;
    }
}

using Emu3.Grains.Interfaces;
using Microsoft.Extensions.Logging;

namespace Emu3.Grains.Jobs;

/// <summary>Tells job and dispatcher what is durable in a shard; several changes share one telling, and what fails is told again.</summary>
/// <param name="key">The shard's.</param>
/// <param name="grains">Where job and dispatcher are.</param>
/// <param name="tell">What there is to tell now.</param>
/// <param name="time">Paces the tellings.</param>
/// <param name="logger">The shard's.</param>
/// <param name="gone">The activation has ended; its successor tells.</param>
internal sealed partial class ShardReporter(
    string key, IGrainFactory grains, Func<ShardReport> tell, TimeProvider time, ILogger logger, CancellationToken gone)
{
    private static readonly TimeSpan s_period = TimeSpan.FromMilliseconds(100);
    private ShardProgress? _toldProgress;
    private readonly LastSentOffer _toldOffer = new();
    private bool _isReporting;

    /// <summary>Something remains to be told.</summary>
    public bool IsDirty { get; private set; }

    /// <summary>Something may have changed.</summary>
    public void Report()
    {
        IsDirty = true;
        if (!_isReporting) _ = ReportAsync(); // what fails in it stays dirty, and the shard's clock comes by
    }

    /// <summary>The dispatcher may have forgotten: what there is to give is told again.</summary>
    public void OfferAgain()
    {
        _toldOffer.Forget();
        Report();
    }

    /// <summary>A worker came for items.</summary>
    public void Given()
    {
        _toldOffer.Lose();
        Report();
    }

    private async Task ReportAsync()
    {
        _isReporting = true;
        try
        {
            while (IsDirty)
            {
                IsDirty = false;
                var report = tell();
                await TellJobAsync(report);
                await TellDispatcherAsync(report);
                if (IsDirty && !report.IsInteractive) await Task.Delay(s_period, time, gone);
            }
        }
        catch (Exception failure) when (!gone.IsCancellationRequested)
        {
            LogNotTold(logger, failure, key);
            IsDirty = true;
        }
        catch (OperationCanceledException)
        {
            // The activation is gone.
        }
        finally
        {
            _isReporting = false;
        }
    }

    private async Task TellJobAsync(ShardReport report)
    {
        if (_toldProgress == report.Progress && !report.Progress.IsWatched) return;
        await grains.GetGrain<IGenerationJob>(report.Job.Value).ShardChanged(report.Shard, report.Progress);
        _toldProgress = report.Progress;
    }

    private async Task TellDispatcherAsync(ShardReport report)
    {
        if (report.Offer is not { } offer || !_toldOffer.IsNews(offer)) return;
        _toldOffer.Tell(offer);
        try
        {
            await grains.GetGrain<IDispatcher>(0).Offer(offer);
        }
        catch
        {
            _toldOffer.Lose();
            throw;
        }
    }

    [LoggerMessage(LogLevel.Warning, "Shard {Shard} could not tell its progress; it tries again.")]
    private static partial void LogNotTold(ILogger logger, Exception failure, string shard);
}

/// <summary>What a shard has to tell.</summary>
/// <param name="Job">Its job.</param>
/// <param name="Shard">Its number.</param>
/// <param name="Progress">For the job.</param>
/// <param name="Offer">For the dispatcher; null while nothing may be given out.</param>
/// <param name="IsInteractive">Someone waits: tellings are not held back to share them.</param>
internal readonly record struct ShardReport(JobId Job, int Shard, ShardProgress Progress, ShardOffer? Offer, bool IsInteractive);

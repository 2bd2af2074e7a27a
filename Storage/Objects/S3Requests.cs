using Amazon.S3;
using Polly;
using Polly.Retry;

namespace Emu3.Storage.Objects;

/// <summary>
/// Requests to the store: each attempt has a time limit, and what may pass is repeated until <see cref="ObjectStoreOptions.Patience"/> is over. Whatever is
/// requested here may be repeated: an attempt whose answer was lost may have been carried out.
/// </summary>
internal sealed class S3Requests : IDisposable
{
    /// <summary>Between attempts at first; twice as long each time, up to <see cref="s_longestPause"/>, which is what is lost at most when the store is back.</summary>
    private static readonly TimeSpan s_firstPause = TimeSpan.FromMilliseconds(100);

    private static readonly TimeSpan s_longestPause = TimeSpan.FromSeconds(1);

    private static readonly ResiliencePropertyKey<long> s_began = new("began");
    private readonly ResiliencePipeline _pipeline;

    public S3Requests(ObjectStoreOptions options)
    {
        (Options, Client) = (options, S3Clients.Create(options));
        _pipeline = new ResiliencePipelineBuilder().AddRetry(new RetryStrategyOptions
        {
            ShouldHandle = attempt => new(attempt.Outcome.Exception is { } failure && S3Failures.IsPassing(failure) && !attempt.Context.CancellationToken.IsCancellationRequested
                && TimeProvider.System.GetElapsedTime(attempt.Context.Properties.GetValue(s_began, 0)) < options.Patience),
            MaxRetryAttempts = int.MaxValue, // the time is the limit
            BackoffType = DelayBackoffType.Exponential,
            UseJitter = true,
            Delay = s_firstPause,
            MaxDelay = s_longestPause,
            OnRetry = attempt =>
            {
                StoreMetrics.ObjectRequestRepeated(S3Failures.Kind(attempt.Outcome.Exception!));
                return default;
            },
        }).Build();
    }

    public ObjectStoreOptions Options { get; }

    public AmazonS3Client Client { get; }

    public string Bucket => Options.Bucket!;

    /// <summary>Runs a request until it has an answer.</summary>
    /// <param name="attempt">One attempt; may run several times.</param>
    /// <param name="cancellationToken">The caller's.</param>
    /// <param name="uploadBytes">Bytes that the attempt sends.</param>
    /// <param name="answerTime">How long the store may take to answer; <see cref="ObjectStoreOptions.AttemptTimeout"/> where nothing is said.</param>
    /// <exception cref="ObjectStoreException">The store refused, or did not answer in time.</exception>
    /// <exception cref="OperationCanceledException">The caller's token was cancelled, before an answer or while the store failed.</exception>
    public async Task<T> RunAsync<T>(Func<Attempt, Task<T>> attempt, CancellationToken cancellationToken, long uploadBytes = 0, TimeSpan? answerTime = null)
    {
        var limit = answerTime is { } longer && longer > Options.AttemptTimeout ? longer : Options.AttemptTimeout;
        limit += TimeSpan.FromSeconds(uploadBytes / (double)Options.SlowestUpload);
        var context = ResilienceContextPool.Shared.Get(cancellationToken);
        context.Properties.Set(s_began, TimeProvider.System.GetTimestamp());
        try
        {
            return await _pipeline.ExecuteAsync(static async (context, state) =>
            {
                using var bounded = new Attempt(state.limit, context.CancellationToken);
                return await state.attempt(bounded);
            }, context, (limit, attempt));
        }
        catch (Exception failure) when (cancellationToken.IsCancellationRequested && S3Failures.IsOfTheStore(failure))
        {
            throw new OperationCanceledException(failure.Message, failure, cancellationToken); // whatever the broken connection was for the SDK
        }
        catch (Exception failure) when (!cancellationToken.IsCancellationRequested && (S3Failures.IsOfTheStore(failure) || failure is OperationCanceledException))
        {
            throw S3Failures.Explain(failure, Options);
        }
        finally
        {
            ResilienceContextPool.Shared.Return(context);
        }
    }

    public void Dispose() => Client.Dispose();

    /// <summary>One attempt, which ends when for so long nothing has come.</summary>
    internal sealed class Attempt : IDisposable
    {
        private readonly TimeSpan _limit;
        private readonly CancellationTokenSource _end;

        public Attempt(TimeSpan limit, CancellationToken cancellationToken)
        {
            _limit = limit;
            _end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            _end.CancelAfter(limit);
        }

        public CancellationToken Token => _end.Token;

        /// <summary>Something came: the next bytes have the whole time again.</summary>
        public void Progressed() => _end.CancelAfter(_limit);

        public void Dispose() => _end.Dispose();
    }
}

using Emu3.Gateway.Cluster;
using Emu3.Gateway.Contracts;
using Emu3.Gateway.Diagnosis;
using Emu3.Gateway.Jobs;
using Emu3.Gateway.Reference;
using Emu3.Grains.Interfaces;

namespace Emu3.Gateway.Endpoints;

/// <summary><c>GET /v1/jobs/{id}/diagnosis</c>.</summary>
internal static class Diagnoses
{
    /// <summary>A job that answers does so at once; a silo that died is noticed within this.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(15);

    public static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/v1/jobs/{id}/diagnosis", Get)
        .Tell(ApiGroups.Jobs, "Ask why a job has not ended", "Where each item is that has not, and why.").Gives<DiagnosisAnswer>();

    private static async Task<IResult> Get(string id, JobReader jobs, DiagnosisReader reader, CancellationToken cancellationToken)
    {
        try
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            patience.CancelAfter(s_patience);
            if (await jobs.Find(id, patience.Token) is not { } job) return FailureResponses.JobNotFound(id);
            return new JsonAnswer<DiagnosisAnswer>(new(JobAnswer.Of(job), JobDiagnosis.Of(await reader.Look(job, cancellationToken))));
        }
        catch (Exception exception) when (exception is StateLostException || ClusterCalls.IsTransient(exception, cancellationToken))
        {
            // That is a diagnosis too.
            return new JsonAnswer<DiagnosisAnswer>(new(null, [JobDiagnosis.OfSilentJob(exception is OperationCanceledException ? null : exception.Message)]));
        }
    }
}

using System.Net;
using Amazon.S3;
using Amazon.S3.Model;

namespace Emu3.Storage.Objects;

/// <summary>
/// An object as a stream that seeks, so that a gateway can serve ranges of it. After a seek, or when the connection breaks, another request begins at the place;
/// its condition on the ETag holds it to the same content.
/// </summary>
internal sealed class S3ReadStream : Stream
{
    private readonly S3Requests _requests;
    private readonly string _name;
    private readonly string _etag;
    private GetObjectResponse? _answer;
    private long _position;

    private S3ReadStream(S3Requests requests, string name, GetObjectResponse answer, long position, long length)
    {
        (_requests, _name, _etag, _answer, _position) = (requests, name, answer.ETag, answer, position);
        Length = length;
    }

    /// <summary>Null where there is no such object.</summary>
    /// <param name="requests">The store.</param>
    /// <param name="name">Of the object, with the prefix.</param>
    /// <param name="from">First byte; the stream's position at the start. Below the object's length, or 0.</param>
    /// <param name="cancellationToken">Ends the opening.</param>
    public static Task<S3ReadStream?> OpenAsync(S3Requests requests, string name, long from, CancellationToken cancellationToken) => requests.RunAsync(async attempt =>
    {
        try
        {
            var request = new GetObjectRequest { BucketName = requests.Bucket, Key = name, ByteRange = from > 0 ? From(from) : null };
            var answer = await requests.Client.GetObjectAsync(request, attempt.Token);
            return new S3ReadStream(requests, name, answer, from, from + answer.ContentLength);
        }
        catch (AmazonS3Exception missing) when (S3Failures.IsMissing(missing))
        {
            return null;
        }
    }, cancellationToken);

    public override bool CanRead => true;

    public override bool CanSeek => true;

    public override bool CanWrite => false;

    public override long Length { get; }

    public override long Position
    {
        get => _position;
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            if (value == _position) return;
            Leave();
            _position = value;
        }
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        // At the end the SDK's stream is read once more: there it compares what came with the ETag.
        if (buffer.Length == 0 || (_position >= Length && _answer is null)) return 0;
        return await _requests.RunAsync(async attempt =>
        {
            try
            {
                _answer ??= await BeginAsync(attempt.Token);
                attempt.Progressed();
                var count = await _answer.ResponseStream.ReadAsync(buffer, attempt.Token);
                if (count == 0 && _position < Length) throw new EndOfStreamException($"The store ended {_name} at byte {_position} of {Length}.");
                _position += count;
                return count;
            }
            catch
            {
                Leave();
                throw;
            }
        }, cancellationToken);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => ReadAsync(buffer.AsMemory(offset, count), CancellationToken.None).AsTask().GetAwaiter().GetResult();

    public override long Seek(long offset, SeekOrigin origin) => Position = origin switch
    {
        SeekOrigin.Begin => offset,
        SeekOrigin.Current => _position + offset,
        _ => Length + offset,
    };

    public override void Flush()
    {
    }

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        Leave();
        base.Dispose(disposing);
    }

    private async Task<GetObjectResponse> BeginAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await _requests.Client.GetObjectAsync(new GetObjectRequest { BucketName = _requests.Bucket, Key = _name, EtagToMatch = _etag, ByteRange = From(_position) }, cancellationToken);
        }
        catch (AmazonS3Exception changed) when (changed.StatusCode == HttpStatusCode.PreconditionFailed || S3Failures.IsMissing(changed))
        {
            // No repetition helps: what was read so far belongs to something that is gone.
            throw new InvalidDataException($"The object {_name} was replaced or removed while it was read.", changed);
        }
    }

    private void Leave()
    {
        _answer?.Dispose();
        _answer = null;
    }

    /// <summary>All from this byte on.</summary>
    private static ByteRange From(long first) => new($"bytes={first}-");
}

using System.Security.Cryptography;
using Emu3.Gateway.Jobs;

namespace Emu3.Gateway.Files;

/// <summary>
/// A file on its way in: counts its bytes and lines, ends it where it grows too large, and says of a form that breaks off that the client is to blame,
/// and not our disk.
/// </summary>
/// <param name="inner">The file's part of the body.</param>
/// <param name="mostBytes">It may have so many.</param>
internal sealed class UploadStream(Stream inner, long mostBytes) : BodyStream
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private byte _last = (byte)'\n';
    private long _lineEndCount;

    /// <summary>Bytes so far.</summary>
    public long ByteCount { get; private set; }

    /// <summary>Lines so far, one without an end included.</summary>
    public long LineCount => _lineEndCount + (_last == '\n' ? 0 : 1);

    /// <summary>SHA-256 of the bytes so far.</summary>
    public byte[] Hash => _hash.GetCurrentHash();

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var count = await ReadInnerAsync(buffer, cancellationToken);
        if (count == 0) return 0;
        ByteCount += count;
        if (ByteCount > mostBytes) throw TooLarge(mostBytes);
        var read = buffer.Span[..count];
        _hash.AppendData(read);
        _lineEndCount += read.Count((byte)'\n');
        _last = read[^1];
        return count;
    }

    /// <summary>Names the limit.</summary>
    public static BadHttpRequestException TooLarge(long mostBytes) =>
        new MalformedBodyException($"The file is larger than the {mostBytes >> 20} MiB ({mostBytes} bytes) that are allowed for its purpose.", StatusCodes.Status413PayloadTooLarge, "file");

    private async ValueTask<int> ReadInnerAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        try
        {
            return await inner.ReadAsync(buffer, cancellationToken);
        }
        catch (Exception broken) when (broken is IOException or InvalidDataException && broken is not BadHttpRequestException)
        {
            throw new MalformedBodyException($"The form breaks off or is broken: {broken.Message}");
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) _hash.Dispose();
        base.Dispose(disposing);
    }
}

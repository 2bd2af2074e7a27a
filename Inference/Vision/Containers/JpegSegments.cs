using System.Buffers.Binary;

namespace Emu3.Inference.Vision.Containers;

/// <summary>
/// The marker segments of a JPEG file (ITU T.81 B.1) that come before its first scan. Read as libjpeg reads them: whatever stands between two segments
/// (fill bytes, zeros, other bytes) is passed over.
/// </summary>
ref struct JpegSegments(ReadOnlySpan<byte> file)
{
    public const byte StartOfScan = 0xDA, EndOfImage = 0xD9, Temporary = 0x01, FirstRestart = 0xD0, StartOfImage = 0xD8;

    private readonly ReadOnlySpan<byte> _file = file;
    private int _at = 2; // behind SOI

    /// <summary>Second byte of the marker.</summary>
    public byte Marker { get; private set; }

    /// <summary>The segment without marker and length.</summary>
    public ReadOnlySpan<byte> Content { get; private set; }

    /// <summary>The file ended before the first scan.</summary>
    public bool IsCut { get; private set; }

    public bool MoveNext()
    {
        while (TryReadMarker() is { } marker)
        {
            if (marker is StartOfScan or EndOfImage)
                return false;
            if (marker is Temporary or (>= FirstRestart and <= StartOfImage))
                continue; // these stand alone
            if (_at + 2 > _file.Length)
                break;
            var length = Math.Max(2, (int)BinaryPrimitives.ReadUInt16BigEndian(_file[_at..])); // it counts itself, whatever it says
            if (_at + length > _file.Length)
                break;
            Marker = marker;
            Content = _file[(_at + 2)..(_at + length)];
            _at += length;
            return true;
        }
        IsCut = true;
        return false;
    }

    /// <summary>The next FF that other bytes than FF and 0 follow.</summary>
    private byte? TryReadMarker()
    {
        for (; _at + 1 < _file.Length; _at++)
        {
            if (_file[_at] != 0xFF || _file[_at + 1] is 0 or 0xFF)
                continue;
            _at += 2;
            return _file[_at - 1];
        }
        return null;
    }
}

using System.Buffers.Binary;

namespace Emu3.Inference.Weights;

/// <summary>
/// LibTorchSharp 0.107.0 asks for <c>GLIBCXX_3.4.32</c>, which Debian 12 does not have, although no relocation refers to the one symbol of that version.
/// Marking that need as weak (VER_FLG_WEAK, one byte of the ELF version table) lets the loader go on without it. Only a copy is ever changed.
/// </summary>
internal static class WeakenedLibrary
{
    private const uint VersionNeedsSection = 0x6ffffffe; // SHT_GNU_verneed
    private const byte WeakFlag = 2; // VER_FLG_WEAK

    /// <summary>The path of a changed copy in a folder of its own, or null when the file has no such need.</summary>
    /// <exception cref="IOException">The copy can't be written; the message says where, and what to do.</exception>
    public static string? TryWrite(string path)
    {
        var bytes = File.ReadAllBytes(path);
        if (!Weaken(bytes))
        {
            return null;
        }

        try
        {
            var copy = Path.Combine(Directory.CreateTempSubdirectory("emu3-torch-").FullName, Path.GetFileName(path));
            File.WriteAllBytes(copy, bytes);
            return copy;
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            throw Refusal(Path.GetFileName(path), refused);
        }
    }

    /// <summary>The system's message names neither the variable nor, often, the folder.</summary>
    private static IOException Refusal(string library, Exception refused)
    {
        var isNamed = !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("TMPDIR"));
        return new(
            $"A copy of {library} (a few MB, for this system's older libstdc++) can't be written to the folder for temporary files, {Path.GetTempPath()}"
            + $"{(isNamed ? ", which the variable TMPDIR names" : "")}: {refused.Message} Make that folder and let this user write there, or name another with TMPDIR.",
            refused);
    }

    /// <summary>Marks the need in a 64-bit little-endian ELF image; whether there was one. Layout: "Linux Standard Base, symbol versioning".</summary>
    public static bool Weaken(Span<byte> elf)
    {
        if (elf.Length < 64 || !elf.StartsWith("\u007fELF\u0002\u0001"u8))
        {
            return false;
        }

        var isWeakened = false;
        for (var i = 0; i < UInt16(elf, 0x3c); i++)
        {
            var section = elf.Slice(Offset(elf, 0x28) + (i * UInt16(elf, 0x3a)), 64);
            if (UInt32(section, 4) == VersionNeedsSection)
            {
                var names = elf.Slice(Offset(elf, 0x28) + (UInt32(section, 0x28) * UInt16(elf, 0x3a)), 64);
                isWeakened |= WeakenNeeds(elf, Offset(section, 0x18), UInt32(section, 0x2c), Offset(names, 0x18));
            }
        }

        return isWeakened;
    }

    private static bool WeakenNeeds(Span<byte> elf, int need, int needCount, int names)
    {
        var isWeakened = false;
        for (var i = 0; i < needCount; i++, need += UInt32(elf, need + 12))
        {
            var version = need + UInt32(elf, need + 8);
            for (var j = 0; j < UInt16(elf, need + 2); j++, version += UInt32(elf, version + 12))
            {
                if (elf[(names + UInt32(elf, version + 8))..].StartsWith("GLIBCXX_3.4.32\0"u8))
                {
                    elf[version + 4] |= WeakFlag;
                    isWeakened = true;
                }
            }
        }

        return isWeakened;
    }

    private static int UInt16(ReadOnlySpan<byte> elf, int at) => BinaryPrimitives.ReadUInt16LittleEndian(elf[at..]);

    private static int UInt32(ReadOnlySpan<byte> elf, int at) => checked((int)BinaryPrimitives.ReadUInt32LittleEndian(elf[at..]));

    private static int Offset(ReadOnlySpan<byte> elf, int at) => checked((int)BinaryPrimitives.ReadUInt64LittleEndian(elf[at..]));
}

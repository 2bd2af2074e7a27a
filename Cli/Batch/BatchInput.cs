using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Emu3.Cli.Batch.Plan;
using Emu3.Grains.Interfaces.Requests;

namespace Emu3.Cli.Batch;

/// <summary>All items of a batch, and all that is wrong with its lines.</summary>
/// <param name="Name">What the person called it.</param>
/// <param name="Items">The good ones, in order.</param>
/// <param name="Errors">The bad ones; <see cref="LineError.Line"/> is the line of the input.</param>
internal sealed record BatchInput(string Name, IReadOnlyList<BatchItem> Items, IReadOnlyList<LineError> Errors)
{
    private static readonly UTF8Encoding s_strictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Files of a folder that nothing can be asked about, in the order of their names; the rest of the folder is.</summary>
    public IReadOnlyList<SkippedFile> Skipped { get; init; } = [];

    /// <summary>Reads a file, standard input (<c>-</c>) or a folder of pictures.</summary>
    /// <param name="path">What to read.</param>
    /// <param name="format">How a file is written.</param>
    /// <param name="question">What to ask of each picture of a folder.</param>
    /// <param name="openInput">Standard input.</param>
    /// <exception cref="CommandException">There is nothing to read.</exception>
    public static BatchInput Load(string path, InputFormat format, string? question, Func<Stream> openInput)
    {
        var input = path != "-" && Directory.Exists(path) ? LoadFolder(path, question) : LoadFile(path, format, openInput);
        return input.Items.Count + input.Errors.Count > 0 ? input : throw CommandException.BadInput($"{input.Name} has no items.");
    }

    private static BatchInput LoadFolder(string name, string? question)
    {
        if (question is null)
        {
            throw CommandException.BadInput($"{name} is a folder: say what to ask of its pictures with --ask \"Please describe the image\".");
        }

        var folder = Path.GetFullPath(name);
        var items = new List<BatchItem>();
        var errors = new List<LineError>();
        var (files, unseen) = PictureFolder.List(folder);
        var skipped = unseen.ToList();
        foreach (var file in files)
        {
            if (PictureSource.Check(Path.Combine(folder, file)).Error is { } reason)
            {
                skipped.Add(new(file, reason));
                continue;
            }

            var id = PictureFolder.IdOf(file);
            var json = new JsonObject { ["id"] = id, ["image"] = file, ["question"] = question }.ToJsonString();
            Read(new InputLine(items.Count + errors.Count + 1, id, json, null), folder, items, errors);
        }

        skipped.Sort((one, other) => string.CompareOrdinal(one.Name, other.Name));
        return items.Count + errors.Count > 0
            ? new(name, items, errors) { Skipped = skipped }
            : throw CommandException.BadInput(string.Join(Environment.NewLine, [.. SkippedFiles.Describe(skipped), $"{name} has no {PictureKinds.Names} pictures."]));
    }

    private static BatchInput LoadFile(string path, InputFormat format, Func<Stream> openInput)
    {
        var name = path == "-" ? "Standard input" : path;

        // Where the folder really is: ".." in a picture's path means what it means to the system, also where the folder was reached by a link.
        var folder = path == "-" ? Directory.GetCurrentDirectory() : RealPath.Of(Path.GetDirectoryName(Path.GetFullPath(path))!);
        var items = new List<BatchItem>();
        var errors = new List<LineError>();
        foreach (var line in InputReader.Read(ReadText(path, name, openInput), path, format))
        {
            Read(line, folder, items, errors);
        }

        return new(name, items, errors);
    }

    private static string ReadText(string path, string name, Func<Stream> openInput)
    {
        try
        {
            using var reader = new StreamReader(path == "-" ? openInput() : File.OpenRead(path), s_strictUtf8);
            return reader.ReadToEnd();
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw CommandException.BadInput($"{path} does not exist.", e);
        }
        catch (DecoderFallbackException e)
        {
            throw CommandException.BadInput($"{name} is not UTF-8 text.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CommandException.BadInput($"{name} can't be read: {e.Message}", e);
        }
    }

    private static void Read(InputLine line, string folder, List<BatchItem> items, List<LineError> errors)
    {
        if (line.Json is null)
        {
            errors.Add(new(line.Number, "", line.Error!));
            return;
        }

        var itemErrors = new List<ItemError>();
        var fields = JsonNode.Parse(line.Json)!.AsObject();
        var sources = PicturesOf(fields, folder, itemErrors);
        var request = ReadRequest(fields, itemErrors);
        if (sources.Count > 0)
        {
            request = request with { Pictures = [.. sources.Select(source => Check(source, itemErrors)).OfType<RequestPicture>()] };
        }

        if (itemErrors.Count == 0)
        {
            items.Add(new(line.Number, line.Id, line.Json, request, sources));
            return;
        }

        errors.AddRange(itemErrors.Select(error => new LineError(line.Number, error.Param, error.Message)));
    }

    /// <summary>Takes the pictures out of a question, so that it can be read without their bytes.</summary>
    private static IReadOnlyList<PictureSource> PicturesOf(JsonObject fields, string folder, List<ItemError> errors)
    {
        if (fields.ContainsKey("custom_id") || fields["image"] is not { } image)
        {
            return [];
        }

        var values = image is JsonArray array ? [.. array] : new JsonNode?[] { image };
        if (values.Length is 0 or > RequestLimits.Pictures || values.Any(value => value is not JsonValue text || !text.TryGetValue<string>(out var path) || path.Length == 0))
        {
            errors.Add(new("image", $"must be the path of a picture or a data URL, or a list of 1 to {RequestLimits.Pictures} of them."));
            return [];
        }

        if (values.FirstOrDefault(value => value!.GetValue<string>().Contains('\0', StringComparison.Ordinal)) is { } impossible)
        {
            errors.Add(new("image", $"{impossible.ToJsonString()} is no path: it has a NUL character in it."));
            return [];
        }

        fields.Remove("image");
        if (!fields.ContainsKey("question"))
        {
            // It is a question still, whose text may come from --ask.
            fields["question"] = null;
        }

        return [.. values.Select(value => PictureSource.Of(value!.GetValue<string>(), folder))];
    }

    private static RequestPicture? Check(PictureSource source, List<ItemError> errors)
    {
        if (source.DataUrl is { } url)
        {
            return ReadRequest(new() { ["image"] = url }, errors).Pictures is [var picture] ? picture with { File = [] } : null;
        }

        var (checkedPicture, error) = PictureSource.Check(source.Path!);
        if (error is not null)
        {
            errors.Add(new("image", $"{source.Path} {error}"));
        }

        return checkedPicture;
    }

    private static ItemRequest ReadRequest(JsonObject fields, List<ItemError> errors)
    {
        using var document = StrictJson.Parse(JsonSerializer.SerializeToUtf8Bytes(fields), out var error);
        if (document is null)
        {
            errors.Add(new("", error));
            return ItemRequest.Empty;
        }

        return ItemRequestReader.ReadItem(document.RootElement, errors);
    }
}

using Microsoft.OpenApi;

namespace Emu3.Gateway.Reference;

/// <summary>What fields of requests mean, by their paths; where a path has no text of its own, by the name at its end. A test finds fields without one.</summary>
internal static class FieldTexts
{
    private static readonly Dictionary<string, string> s_texts = new(StringComparer.Ordinal)
    {
        ["model"] = "A name from /v1/models, or an alias. May be left out where there is one model only.",
        ["prompt"] = "What to draw.",
        ["negative_prompt"] = "What the picture is led away from. Left out: the checkpoint's own text; empty: none.",
        ["prompt_suffix"] = "Put behind the prompt. Left out: the checkpoint's own; empty: none.",
        ["seed"] = "The same request with the same seed gives the same output. As a string where it exceeds 2⁵³. Left out: drawn, and told with the result.",
        ["sample"] = "Number of the first output under this seed: with it, one of several is made again.",
        ["n"] = "Outputs of this request, each with a sample number of its own.",
        ["ratio"] = "Width to height, as \"4:3\", at the area that the model was trained for.",
        ["size"] = "Width and height in pixels, as \"1024x768\", or \"auto\". Becomes the nearest shape that the model draws; the answer's size tells which.",
        ["area"] = "Pixels of the picture; with ratio in place of size. Left out: what the model was trained for.",
        ["size_policy"] = "With \"exact\", a size that can't be drawn as it is is refused.",
        ["guidance_scale"] = "Classifier-free guidance; 1 is off. Left out: the model's own.",
        ["temperature"] = "0 takes the most likely token.",
        ["top_k"] = "Only so many of the most likely tokens are drawn from; 0: all.",
        ["top_p"] = "Only the most likely tokens that together have this probability are drawn from.",
        ["output_format"] = "The file's format; png where nothing is said.",
        ["output_compression"] = "Quality of JPEG and WebP; 100 is the best, and lossless WebP.",
        ["embed_recipe"] = "Whether the file says inside how it was made; it does where nothing is said.",
        ["response_format"] = "The picture in the answer itself, or a signed address that opens for a while.",
        ["stream"] = "Whether the answer comes in server-sent events while it is made.",
        ["partial_images"] = "Previews in a stream before the picture: real ones, of the rows so far.",
        ["messages"] = "The conversation: a system message perhaps, then user and assistant in turns; the user has the last word.",
        ["messages.role"] = "Whose message it is; developer means system.",
        ["messages.content"] = "Text, or parts; only the user's messages have pictures.",
        ["messages.content.type"] = "\"text\" or \"image_url\".",
        ["messages.content.text"] = "Of a part of the type text.",
        ["messages.content.image_url"] = "Of a part of the type image_url.",
        ["messages.content.image_url.url"] = "A data URL (data:image/png;base64,…), or the id of an uploaded file of purpose vision or user_data. Addresses are not fetched.",
        ["input"] = "A text of the user; or messages, oldest first, the last one of the user.",
        ["input.type"] = "\"message\": other kinds of items are refused.",
        ["input.role"] = "Whose message it is; developer means system.",
        ["input.content"] = "Text, or parts; only the user's messages have pictures.",
        ["input.content.type"] = "\"input_text\", \"input_image\", or \"output_text\" in an answer of before.",
        ["input.content.text"] = "Of a part with text.",
        ["input.content.image_url"] = "A data URL (data:image/png;base64,…), or the id of an uploaded file. Addresses are not fetched.",
        ["input.content.file_id"] = "In place of image_url: the id of an uploaded file of purpose vision or user_data.",
        ["instructions"] = "A system message before everything else.",
        ["max_output_tokens"] = "Tokens of the answer at most; one that is cut there is incomplete.",
        ["store"] = "Responses are never stored; the answer's store is false.",
        ["text"] = "How the text is to be: plain.",
        ["reasoning"] = "The models here do none.",
        ["stop"] = "A text, or up to four: the answer ends before the first of them that it would hold.",
        ["stream_options"] = "How to stream.",
        ["stream_options.include_usage"] = "Whether the last chunk tells the tokens.",
        ["max_tokens"] = "Tokens of the answer at most.",
        ["max_completion_tokens"] = "Tokens of the answer at most; stands before max_tokens.",
        ["id"] = "Your name for the item; with sample unique in its job. Left out: the number of its line.",
        ["image"] = "A picture to ask about, or up to 16: data URLs, or ids of uploaded files.",
        ["question"] = "What to ask about the picture.",
        ["custom_id"] = "Your name for the request, which no other line has.",
        ["method"] = "\"POST\".",
        ["url"] = "The endpoint whose body it is.",
        ["body"] = "What that endpoint takes by itself. Nothing streams in a batch.",
        ["priority"] = "high goes before normal, and normal before low.",
        ["max_failures"] = "Failed items that the job goes on with; one more pauses it. Left out: any number.",
        ["metadata"] = "Up to 16 pairs of your own, which come back with the object.",
        ["metadata.*"] = "A text of yours.",
        ["webhook"] = "Where the end is told.",
        ["webhook.url"] = "An https address outside private networks.",
        ["defaults"] = "What holds for every item that does not say otherwise.",
        ["items"] = "The items, which come last: pictures, questions, or lines of an OpenAI batch.",
        ["input_file_id"] = "A file of purpose batch.",
        ["endpoint"] = "What every line asks for.",
        ["completion_window"] = "Hours or days, as \"24h\" or \"7d\", from 1h to 60d: a target, see the batch's warning.",
        ["output_expires_after"] = "When the output and error files go by themselves.",
        ["anchor"] = "From when on seconds count.",
        ["seconds"] = "An hour to thirty days.",
        ["name"] = "What the key is for, or whose it is.",
        ["tenant"] = "Whose files, jobs and batches it sees: lower-case letters, digits, '-' and '_'. Left out: default.",
        ["role"] = "An admin may do everything. Left out: user.",
        ["expires_at"] = "Unix seconds. Left out: never.",
        ["expires_in"] = "In place of expires_at: minutes, hours or days, as \"90m\", \"12h\" or \"30d\".",
        ["weight"] = "Its share of the workers beside other keys; 1 where nothing is said.",
        ["quotas"] = "How much it may ask for; what is left out has no bound but the cluster's.",
        ["queued_items"] = "Outputs that may wait at once.",
        ["images_per_hour"] = "Pictures asked for within an hour.",
        ["concurrent_streams"] = "Streams held open at once.",
    };

    /// <summary>Kinds of values that the readers of whole values take.</summary>
    private static readonly Dictionary<string, JsonSchemaType> s_types = new(StringComparer.Ordinal)
    {
        ["messages.content.image_url.url"] = JsonSchemaType.String,
        ["input.content.image_url"] = JsonSchemaType.String,
        ["input.content.file_id"] = JsonSchemaType.String,
        ["image"] = JsonSchemaType.String | JsonSchemaType.Array,
        ["expires_at"] = JsonSchemaType.Integer,
    };

    /// <summary>The text of a field; null when there is none.</summary>
    public static string? Of(string path) => s_texts.GetValueOrDefault(path) ?? s_texts.GetValueOrDefault(path[(path.LastIndexOf('.') + 1)..]);

    /// <summary>The kind of a value that no probe shows; null: any.</summary>
    public static JsonSchemaType? TypeOf(string path) => s_types.TryGetValue(path, out var type) ? type : null;
}

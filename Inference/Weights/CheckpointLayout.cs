using System.Text.RegularExpressions;

namespace Emu3.Inference.Weights;

/// <summary>How a checkpoint names its tensors.</summary>
public enum TensorNaming
{
    /// <summary>baaivision/Emu3: <c>model.layers.…</c>, <c>lm_head.weight</c>; the vision tokenizer in a checkpoint of its own.</summary>
    Original,

    /// <summary>The <c>-hf</c> repositories, as transformers 4.48 – 4.57 write them: <c>text_model.model.…</c>, <c>text_model.lm_head.weight</c>, <c>vqmodel.…</c>.</summary>
    Hub,

    /// <summary>Module names since transformers 4.52: <c>model.text_model.…</c>, <c>lm_head.weight</c>, <c>model.vqmodel.…</c>.</summary>
    Modules,
}

/// <summary>
/// The table from the three layouts' tensor names to one naming: the original one, with <c>vision.</c> before the names of the vision tokenizer.
/// Pure: names in, names out.
/// </summary>
public static partial class CheckpointLayout
{
    /// <summary>Stands before the names of the vision tokenizer.</summary>
    public const string VisionPrefix = "vision.";

    /// <summary>A whole first part of a name in a transformers layout → in ours. The first that fits counts.</summary>
    private static readonly (TensorNaming Naming, string From, string To)[] s_prefixes =
    [
        (TensorNaming.Hub, "text_model.model.", "model."),
        (TensorNaming.Hub, "text_model.lm_head.", "lm_head."),
        (TensorNaming.Hub, "vqmodel.", VisionPrefix),
        (TensorNaming.Modules, "model.text_model.", "model."),
        (TensorNaming.Modules, "lm_head.", "lm_head."),
        (TensorNaming.Modules, "model.vqmodel.", VisionPrefix),
    ];

    /// <summary>Inside the vision tokenizer: parts of a name in the transformers layouts → in the original one, applied in turn.</summary>
    private static readonly (string From, string To)[] s_visionParts =
    [
        (".down_block.down.", ".down."),
        (".up_block.up.", ".up."),
        (".middle_block.attn_norm.", ".mid.attn_1.norm."),
        (".middle_block.", ".mid."),
        (".q_proj.", ".q."),
        (".k_proj.", ".k."),
        (".v_proj.", ".v."),
        (".out_proj.", ".proj_out."),
    ];

    /// <summary>Which of the two transformers layouts a checkpoint of one folder has; null when it has neither.</summary>
    public static TensorNaming? Detect(IEnumerable<string> names)
    {
        foreach (var name in names)
        {
            foreach (var (naming, from, _) in s_prefixes)
            {
                // `lm_head.` is in both transformers ≥ 4.52 and the original layout, so it tells nothing.
                if (from != "lm_head." && name.StartsWith(from, StringComparison.Ordinal))
                {
                    return naming;
                }
            }
        }

        return null;
    }

    /// <summary>Our name of a tensor; null when no name of that layout looks so.</summary>
    /// <param name="naming">The layout of the checkpoint.</param>
    /// <param name="name">As the file spells it.</param>
    /// <param name="isVision">Whether the file belongs to a vision tokenizer that is a checkpoint of its own (original layout).</param>
    public static string? Canonical(TensorNaming naming, string name, bool isVision)
    {
        if (naming == TensorNaming.Original)
        {
            return isVision ? VisionPrefix + name : name;
        }

        foreach (var (_, from, to) in s_prefixes.Where(p => p.Naming == naming))
        {
            if (name.StartsWith(from, StringComparison.Ordinal))
            {
                var canonical = to + name[from.Length..];
                return to == VisionPrefix ? CanonicalVision(canonical) : canonical;
            }
        }

        return null;
    }

    /// <summary>Counters and tables that a model recomputes: in a checkpoint or not, they are not loaded.</summary>
    public static bool IsIgnored(string name) =>
        name.EndsWith(".num_batches_tracked", StringComparison.Ordinal) || name.EndsWith(".rotary_emb.inv_freq", StringComparison.Ordinal);

    /// <summary>
    /// A weight of the vision tokenizer's attention (our name): a 1×1 convolution <c>[out, in, 1, 1]</c> in the original layout, a linear map <c>[out, in]</c> in the others.
    /// The two forms hold the same numbers in the same order.
    /// </summary>
    public static bool IsVisionProjection(string canonicalName) => VisionProjection().IsMatch(canonicalName);

    private static string CanonicalVision(string name)
    {
        name = s_visionParts.Aggregate(name, (current, part) => current.Replace(part.From, part.To, StringComparison.Ordinal));
        return AttentionNorm().Replace(name, ".attn.$1.norm.");
    }

    [GeneratedRegex(@"\.attn_norms\.(\d+)\.")]
    private static partial Regex AttentionNorm();

    [GeneratedRegex(@"^vision\..*\.(attn\.\d+|attn_1)\.(q|k|v|proj_out)\.weight$")]
    private static partial Regex VisionProjection();
}

namespace Emu3.Grains.Interfaces.Requests;

/// <summary>
/// Fields of chat bodies that we have no use for, and that clients send all the same with the value that asks for nothing. That value is taken; any other would
/// change the answer and is refused by name. Fields that can't change an answer of ours, whatever they hold, are ignored.
/// </summary>
internal static class NeutralFields
{
    /// <summary>All of them: OpenAI's, and those of the servers whose clients are pointed here.</summary>
    public static void ReadChat(FieldReader fields)
    {
        OfOpenAi(fields);
        OfVllm(fields);
        OfOthers(fields);
    }

    private static void OfOpenAi(FieldReader fields)
    {
        fields.Unsupported("n", "1");
        fields.Unsupported("logprobs", "false");
        fields.Unsupported("top_logprobs", "0");
        fields.Unsupported("logit_bias", "{}");
        fields.Unsupported("presence_penalty", "0");
        fields.Unsupported("frequency_penalty", "0");
        fields.Unsupported("response_format", """{"type":"text"}""");
        fields.Unsupported("modalities", """["text"]""");
        fields.Unsupported("tools", "[]");
        fields.Unsupported("tool_choice", "\"none\"", "\"auto\"");
        fields.Unsupported("functions", "[]");
        fields.Unsupported("function_call", "\"none\"", "\"auto\"");
        fields.Unsupported("reasoning_effort", "\"none\"");
        fields.Unsupported("verbosity", "\"medium\"");
        foreach (var field in (ReadOnlySpan<string>)["audio", "prediction", "web_search_options"]) fields.Unsupported(field);
        fields.Ignore("user", "safety_identifier", "metadata", "store", "service_tier", "prompt_cache_key", "prompt_cache_retention", "parallel_tool_calls");
    }

    /// <summary>vLLM, chat completions: sampling parameters and extra parameters; and what its older versions took.</summary>
    private static void OfVllm(FieldReader fields)
    {
        fields.Unsupported("min_p", "0");
        fields.Unsupported("repetition_penalty", "1");
        fields.Unsupported("length_penalty", "1");
        fields.Unsupported("best_of", "1");
        fields.Unsupported("use_beam_search", "false");
        fields.Unsupported("early_stopping", "false");
        fields.Unsupported("min_tokens", "0");
        fields.Unsupported("ignore_eos", "false");
        fields.Unsupported("stop_token_ids", "[]");
        fields.Unsupported("include_stop_str_in_output", "false");
        fields.Unsupported("bad_words", "[]");
        fields.Unsupported("allowed_token_ids", "[]");
        fields.Unsupported("logits_processors", "[]");
        fields.Unsupported("skip_special_tokens", "true");
        fields.Unsupported("return_tokens_as_token_ids", "false");
        fields.Unsupported("return_token_ids", "false");
        fields.Unsupported("echo", "false");
        fields.Unsupported("add_generation_prompt", "true");
        fields.Unsupported("continue_final_message", "false");
        fields.Unsupported("add_special_tokens", "false");
        fields.Unsupported("documents", "[]");
        fields.Unsupported("mm_processor_kwargs", "{}");
        fields.Unsupported("priority", "0");
        foreach (var field in (ReadOnlySpan<string>)["truncate_prompt_tokens", "prompt_logprobs", "chat_template", "structured_outputs", "guided_json", "guided_regex", "guided_choice", "guided_grammar"])
            fields.Unsupported(field);
        // The template reads none of its arguments, no answer holds reasoning, and spaces are what the tokens say.
        fields.Ignore("chat_template_kwargs", "include_reasoning", "spaces_between_special_tokens", "guided_decoding_backend", "request_id", "cache_salt");
    }

    /// <summary>llama.cpp, LM Studio, text-generation-webui, SGLang, OpenRouter.</summary>
    private static void OfOthers(FieldReader fields)
    {
        fields.Unsupported("repeat_penalty", "1");
        fields.Unsupported("typical_p", "1");
        fields.Unsupported("tfs", "1");
        fields.Unsupported("tfs_z", "1");
        fields.Unsupported("top_a", "0");
        fields.Unsupported("mirostat", "0");
        fields.Unsupported("mirostat_mode", "0");
        fields.Unsupported("dynatemp_range", "0");
        fields.Unsupported("xtc_probability", "0");
        fields.Unsupported("dry_multiplier", "0");
        fields.Unsupported("transforms", "[]");
        foreach (var field in (ReadOnlySpan<string>)["grammar", "json_schema", "regex", "ebnf"]) fields.Unsupported(field);
        fields.Ignore("cache_prompt", "separate_reasoning", "stream_reasoning");
    }
}

//! `text_encoder/config.json`. Defaults are those of transformers' `CLIPTextConfig`, which a file may leave out.

use serde_json::{Value, json};

use super::{Activation, ClipTextConfig};
use crate::base_model::BaseModelError;
use crate::base_model::keys::Keys;

/// What transformers writes into every configuration, or into every one of its time: generation settings, labels,
/// initialisation, number types. None changes the hidden states. `eos_token_id` and `projection_dim` concern the pooled
/// state, which Stable Diffusion does not read.
const HARMLESS: [&str; 54] = [
    "architectures",
    "attn_implementation",
    "bad_words_ids",
    "begin_suppress_tokens",
    "bos_token_id",
    "chunk_size_feed_forward",
    "decoder_start_token_id",
    "diversity_penalty",
    "do_sample",
    "dtype",
    "early_stopping",
    "encoder_no_repeat_ngram_size",
    "eos_token_id",
    "exponential_decay_length_penalty",
    "finetuning_task",
    "forced_bos_token_id",
    "forced_eos_token_id",
    "id2label",
    "initializer_factor",
    "initializer_range",
    "label2id",
    "length_penalty",
    "max_length",
    "min_length",
    "no_repeat_ngram_size",
    "num_beam_groups",
    "num_beams",
    "num_return_sequences",
    "output_attentions",
    "output_hidden_states",
    "output_scores",
    "pad_token_id",
    "prefix",
    "problem_type",
    "projection_dim",
    "remove_invalid_values",
    "repetition_penalty",
    "return_dict",
    "return_dict_in_generate",
    "sep_token_id",
    "suppress_tokens",
    "task_specific_params",
    "temperature",
    "tf_legacy_loss",
    "tie_word_embeddings",
    "tokenizer_class",
    "top_k",
    "top_p",
    "torch_dtype",
    "torchscript",
    "transformers_version",
    "typical_p",
    "use_bfloat16",
    "use_cache",
];

pub(super) fn read(mut keys: Keys<'_>) -> Result<ClipTextConfig, BaseModelError> {
    let family = keys.text_or("model_type", "clip_text_model")?;
    if family != "clip_text_model" {
        return Err(keys.refused(format!("model_type '{family}' is not supported (clip_text_model)")));
    }
    for key in ["attention_dropout", "dropout"] {
        keys.only(key, &[json!(0)])?;
    }
    keys.only("pruned_heads", &[Value::Null, json!({})])?;
    keys.only("use_attention_mask", &[Value::Null, json!(false)])?;
    let activations = [("quick_gelu", Activation::QuickGelu), ("gelu", Activation::Gelu)];
    let config = ClipTextConfig {
        vocab_size: keys.size_or("vocab_size", 49_408)?,
        hidden_size: keys.size_or("hidden_size", 512)?,
        intermediate_size: keys.size_or("intermediate_size", 2048)?,
        num_hidden_layers: keys.size_or("num_hidden_layers", 12)?,
        num_attention_heads: keys.size_or("num_attention_heads", 8)?,
        max_position_embeddings: keys.size_or("max_position_embeddings", 77)?,
        hidden_act: keys.choice_or("hidden_act", &activations, Activation::QuickGelu)?,
        layer_norm_eps: keys.positive_or("layer_norm_eps", 1e-5)?,
    };
    check(&config).map_err(|problem| keys.refused(problem))?;
    keys.harmless(&HARMLESS);
    keys.finish()?;
    Ok(config)
}

/// Refuses sizes that cannot belong together.
pub(super) fn check(config: &ClipTextConfig) -> Result<(), String> {
    if !config.hidden_size.is_multiple_of(config.num_attention_heads) {
        return Err(format!(
            "a width of {} cannot be split over {} attention heads",
            config.hidden_size, config.num_attention_heads
        ));
    }
    if config.max_position_embeddings < 3 {
        return Err(
            "'max_position_embeddings' leaves no place for a token between the first and the last".into()
        );
    }
    Ok(())
}

//! The shape of a Llama model from config.json, in the spelling of transformers 4 (`rope_theta`, `rope_scaling`) or 5
//! (`rope_parameters`). Which value counts where both stand is transformers' `RotaryEmbeddingConfigMixin`.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::{Llama3Scaling, LlamaShape, RopeScaling};
use crate::base_model::BaseModelError;
use crate::base_model::keys::Keys;

/// Keys that transformers' Llama stores without computing anything from them: ids, settings of generation and of the
/// library, notes of the tools that wrote the file. `pretraining_tp` cuts products into equal parts of the same sum.
const HARMLESS: [&str; 52] = [
    "add_cross_attention",
    "architectures",
    "auto_map",
    "bad_words_ids",
    "bos_token_id",
    "chunk_size_feed_forward",
    "decoder_start_token_id",
    "diversity_penalty",
    "do_sample",
    "dtype",
    "early_stopping",
    "eos_token_id",
    "finetuning_task",
    "gradient_checkpointing",
    "id2label",
    "initializer_range",
    "is_decoder",
    "is_llama_config",
    "label2id",
    "length_penalty",
    "max_length",
    "max_sequence_length",
    "min_length",
    "model_max_length",
    "model_type",
    "name_or_path",
    "no_repeat_ngram_size",
    "num_beam_groups",
    "num_beams",
    "num_return_sequences",
    "pad_token_id",
    "prefix",
    "pretraining_tp",
    "problem_type",
    "pruned_heads",
    "repetition_penalty",
    "return_dict",
    "sep_token_id",
    "task_specific_params",
    "temperature",
    "tie_encoder_decoder",
    "tokenizer_class",
    "top_k",
    "top_p",
    "torch_dtype",
    "transformers.js_config",
    "transformers_version",
    "typical_p",
    "unk_token_id",
    "unsloth_fixed",
    "unsloth_version",
    "use_cache",
];

/// Reads the shape; `config` is the whole file at `path`.
pub(in crate::base_model) fn read(config: &Value, path: &Path) -> Result<LlamaShape, BaseModelError> {
    let Some(config) = config.as_object().map(without_null) else {
        let problem = "config.json is no JSON object".to_owned();
        return Err(BaseModelError::Unsupported { path: path.to_path_buf(), problem });
    };
    let mut keys = Keys::new(&config, path);
    refuse_what_is_not_supported(&mut keys)?;
    keys.harmless(&HARMLESS);
    let heads = keys.size("num_attention_heads")?;
    let hidden_size = keys.size("hidden_size")?;
    let max_positions = keys.size_or("max_position_embeddings", 2048)?;
    let (rope_theta, rope_scaling) = rope(&mut keys, path, max_positions)?;
    let shape = LlamaShape {
        hidden_size,
        intermediate_size: keys.size("intermediate_size")?,
        layers: keys.size("num_hidden_layers")?,
        heads,
        key_value_heads: keys.size_or("num_key_value_heads", heads)?,
        head_dim: head_dim(&mut keys, hidden_size, heads)?,
        rms_norm_epsilon: keys.positive_or("rms_norm_eps", 1e-6)?,
        rope_theta,
        rope_scaling,
        vocabulary: keys.size("vocab_size")?,
        max_positions,
        tied_embeddings: keys.bool_or("tie_word_embeddings", false)?,
    };
    shape.check().map_err(|problem| keys.refused(problem))?;
    keys.finish()?;
    Ok(shape)
}

/// `null` means that a key was not given.
fn without_null(map: &Map<String, Value>) -> Map<String, Value> {
    map.iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

fn refuse_what_is_not_supported(keys: &mut Keys<'_>) -> Result<(), BaseModelError> {
    if keys.raw("model_type").is_none() {
        return Err(keys.missing("model_type"));
    }
    match keys.text_or("model_type", "")? {
        "llama" => {}
        other => return Err(keys.refused(format!("model_type '{other}' is not supported yet (llama is)"))),
    }
    for key in ["attention_bias", "mlp_bias"] {
        if keys.bool_or(key, false)? {
            return Err(keys.refused(format!("{key} is not supported yet")));
        }
    }
    match keys.text_or("hidden_act", "silu")? {
        "silu" | "swish" => {}
        other => {
            return Err(keys.refused(format!("hidden_act '{other}' is not supported yet (silu is)")));
        }
    }
    if keys.raw("quantization_config").is_some() {
        return Err(keys.refused("weights quantised in another library's format are not supported yet"));
    }
    keys.only("attention_dropout", &[json!(0.0)])
}

fn head_dim(keys: &mut Keys<'_>, hidden_size: usize, heads: usize) -> Result<usize, BaseModelError> {
    if keys.raw("head_dim").is_some() {
        return keys.size("head_dim");
    }
    if !hidden_size.is_multiple_of(heads) {
        return Err(keys.refused(format!("hidden_size {hidden_size} is no multiple of its {heads} heads")));
    }
    Ok(hidden_size / heads)
}

/// The base of the rotary frequencies and their stretching. `rope_scaling` comes before `rope_parameters`, a base
/// inside them before one beside them.
fn rope(
    keys: &mut Keys<'_>,
    path: &Path,
    max_positions: usize,
) -> Result<(f64, Option<RopeScaling>), BaseModelError> {
    let theta = keys.positive_or("rope_theta", 10_000.0)?;
    keys.only("partial_rotary_factor", &[json!(1.0)])?;
    let original = keys.raw("original_max_position_embeddings").is_some();
    let original = if original { Some(keys.size("original_max_position_embeddings")? as f64) } else { None };
    let objects = [keys.object("rope_scaling")?, keys.object("rope_parameters")?];
    let [scaling, parameters] = objects.map(|object| object.filter(|map| !map.is_empty()));
    let (map, prefix) = match (scaling, parameters) {
        (Some(map), _) => (without_null(map), "rope_scaling."),
        (None, Some(map)) => (without_null(map), "rope_parameters."),
        (None, None) => return Ok((theta, None)),
    };
    let mut keys = Keys::nested(&map, path, prefix);
    let theta = keys.positive_or("rope_theta", theta)?;
    keys.only("partial_rotary_factor", &[json!(1.0)])?;
    let old = keys.text_or("type", "default")?;
    let scaling = match keys.text_or("rope_type", old)? {
        "default" => None,
        "linear" => Some(RopeScaling::Linear(keys.positive("factor")?)),
        // Up to max_position_embeddings, beyond which no sample is accepted, its base is the plain one
        // (transformers' `_compute_dynamic_ntk_parameters`).
        "dynamic" => {
            keys.positive("factor")?;
            keys.harmless(&["original_max_position_embeddings"]);
            None
        }
        "llama3" => Some(RopeScaling::Llama3(llama3(&mut keys, original, max_positions)?)),
        other => return Err(keys.refused(format!("rotary scaling '{other}' is not supported yet"))),
    };
    keys.finish()?;
    Ok((theta, scaling))
}

fn llama3(
    keys: &mut Keys<'_>,
    original: Option<f64>,
    max_positions: usize,
) -> Result<Llama3Scaling, BaseModelError> {
    let nested = keys.positive_or("original_max_position_embeddings", max_positions as f64)?;
    let scaling = Llama3Scaling {
        factor: keys.positive("factor")?,
        low_frequency_factor: keys.positive("low_freq_factor")?,
        high_frequency_factor: keys.positive("high_freq_factor")?,
        original_max_positions: original.unwrap_or(nested),
    };
    if scaling.high_frequency_factor <= scaling.low_frequency_factor {
        return Err(keys.refused("'rope_scaling.high_freq_factor' is not above 'low_freq_factor'"));
    }
    Ok(scaling)
}

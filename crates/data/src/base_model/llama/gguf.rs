//! The shape of a Llama model from GGUF metadata (names: llama.cpp's llama-arch.cpp; meaning: its llama-model.cpp).

use std::path::Path;

use super::gguf_keys::GgufKeys;
use super::{LlamaShape, RopeScaling};
use crate::base_model::BaseModelError;
use crate::gguf::GgufFile;

/// Keys that the arithmetic of a Llama does not read.
const HARMLESS: [&str; 6] = [
    "vocab_size",
    "expert_used_count",
    "tensor_data_layout",
    "rope.scaling.finetuned",
    "rope.scaling.original_context_length",
    "attention.layer_norm_epsilon",
];

/// Keys of other models' arithmetic, with the values under which a Llama's stays what it is.
const NEUTRAL: [(&str, &[f64]); 14] = [
    ("expert_count", &[0.0]),
    ("attention.causal", &[1.0]),
    ("attention.clamp_kqv", &[0.0]),
    ("attention.max_alibi_bias", &[0.0]),
    ("attention.scale", &[0.0]),
    ("attention.sliding_window", &[0.0]),
    ("attn_logit_softcapping", &[0.0]),
    ("final_logit_softcapping", &[0.0]),
    ("embedding_scale", &[0.0, 1.0]),
    ("logit_scale", &[0.0, 1.0]),
    ("residual_scale", &[0.0, 1.0]),
    ("rope.scaling.attn_factor", &[0.0, 1.0]),
    ("rope.scaling.yarn_log_multiplier", &[0.0]),
    ("use_parallel_residual", &[0.0]),
];

pub(in crate::base_model) fn read(gguf: &GgufFile, path: &Path) -> Result<LlamaShape, BaseModelError> {
    let mut keys = GgufKeys::new(gguf, path);
    match gguf.architecture() {
        Some("llama") => {}
        Some(other) => {
            return Err(keys.refused(format!("architecture '{other}' is not supported yet (llama is)")));
        }
        None => return Err(keys.refused("general.architecture is missing")),
    }
    for (key, allowed) in NEUTRAL {
        keys.only(key, allowed)?;
    }
    keys.harmless(&HARMLESS);
    let hidden_size = required(&mut keys, "embedding_length")?;
    let heads = required(&mut keys, "attention.head_count")?;
    let key_value_heads = keys.size("attention.head_count_kv")?.unwrap_or(heads);
    let head_dim = keys.size("attention.key_length")?.unwrap_or(hidden_size / heads);
    for (key, meaning) in [
        ("attention.value_length", "values of another width than keys"),
        ("rope.dimension_count", "rotary positions on a part of each head"),
    ] {
        if keys.size(key)?.is_some_and(|size| size != head_dim) {
            return Err(keys.refused(format!("{meaning} ('llama.{key}') are not supported yet")));
        }
    }
    let epsilon = "attention.layer_norm_rms_epsilon";
    let missing = |key: &str| BaseModelError::Key { path: path.to_path_buf(), key: key.to_owned() };
    let embedding = gguf.tensor("token_embd.weight").ok_or_else(|| missing("token_embd.weight"))?;
    let shape = LlamaShape {
        hidden_size,
        intermediate_size: required(&mut keys, "feed_forward_length")?,
        layers: required(&mut keys, "block_count")?,
        heads,
        key_value_heads,
        head_dim,
        rms_norm_epsilon: keys.number(epsilon)?.map(shortest).ok_or_else(|| keys.missing(epsilon))?,
        rope_theta: keys.number("rope.freq_base")?.unwrap_or(10_000.0),
        rope_scaling: rope_scaling(&mut keys, gguf, head_dim, path)?,
        vocabulary: embedding.dims.first().copied().unwrap_or(0),
        max_positions: required(&mut keys, "context_length")?,
        tied_embeddings: gguf.tensor("output.weight").is_none(),
    };
    shape.check().map_err(|problem| keys.refused(problem))?;
    keys.finish()?;
    Ok(shape)
}

fn required(keys: &mut GgufKeys<'_>, key: &'static str) -> Result<usize, BaseModelError> {
    keys.size(key)?.ok_or_else(|| keys.missing(key))
}

/// The number whose shortest decimal form as f32 was stored: 1e-5 rather than 9.999999747378752e-6.
fn shortest(stored: f64) -> f64 {
    (stored as f32).to_string().parse().unwrap_or(stored)
}

/// The stretching as llama.cpp reads it: a factor without a type is linear, `rope.scale_linear` is the factor's old
/// name, a factor of 0 is none, and the type `none` switches the factor off.
fn rope_scaling(
    keys: &mut GgufKeys<'_>,
    gguf: &GgufFile,
    head_dim: usize,
    path: &Path,
) -> Result<Option<RopeScaling>, BaseModelError> {
    let kind = keys.text("rope.scaling.type")?.unwrap_or("linear");
    let old = keys.number("rope.scale_linear")?;
    let factor = keys.number("rope.scaling.factor")?.or(old).map_or(1.0, shortest);
    let factors = factors(gguf, head_dim, path)?;
    let stretches = factor != 0.0 && (factor - 1.0).abs() > f64::EPSILON;
    match kind {
        "none" => Ok(factors),
        "linear" if !stretches => Ok(factors),
        "linear" if factors.is_some() => {
            Err(keys.refused("linear rotary scaling together with 'rope_freqs.weight' is not supported"))
        }
        "linear" => Ok(Some(RopeScaling::Linear(factor))),
        other => Err(keys.refused(format!("rotary scaling '{other}' is not supported yet (linear is)"))),
    }
}

fn factors(gguf: &GgufFile, head_dim: usize, path: &Path) -> Result<Option<RopeScaling>, BaseModelError> {
    let name = "rope_freqs.weight";
    let Some(tensor) = gguf.tensor(name) else { return Ok(None) };
    if tensor.elements() != head_dim / 2 {
        let problem = format!("has {} values instead of {}", tensor.elements(), head_dim / 2);
        return Err(BaseModelError::Weight { path: path.to_path_buf(), name: name.to_owned(), problem });
    }
    Ok(Some(RopeScaling::Factors(gguf.dequantize(tensor))))
}

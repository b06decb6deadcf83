//! The shape of a Llama model from GGUF metadata (names: llama.cpp's llama-arch.cpp).

use std::path::Path;

use super::{BaseModelError, LlamaShape, RopeScaling};
use crate::gguf::{GgufFile, Value};

pub(super) fn read(gguf: &GgufFile, path: &Path) -> Result<LlamaShape, BaseModelError> {
    let unsupported = |problem: String| BaseModelError::Unsupported { path: path.to_path_buf(), problem };
    match gguf.architecture() {
        Some("llama") => {}
        Some(other) => {
            return Err(unsupported(format!("architecture '{other}' is not supported yet (llama is)")));
        }
        None => return Err(unsupported("general.architecture is missing".into())),
    }
    let number = |key: &str| gguf.metadata(key).and_then(Value::as_usize);
    if number("llama.expert_count").is_some_and(|experts| experts > 0) {
        return Err(unsupported("mixtures of experts are not supported yet".into()));
    }
    if let Some(kind) =
        gguf.metadata("llama.rope.scaling.type").and_then(Value::as_text).filter(|k| *k != "none")
    {
        return Err(unsupported(format!("rotary scaling '{kind}' is not supported yet")));
    }
    let missing = |key: &str| BaseModelError::Key { path: path.to_path_buf(), key: key.to_owned() };
    let size = |key: &str| number(key).filter(|size| *size > 0).ok_or_else(|| missing(key));
    let hidden_size = size("llama.embedding_length")?;
    let heads = size("llama.attention.head_count")?;
    let key_value_heads = number("llama.attention.head_count_kv").unwrap_or(heads);
    let head_dim = number("llama.attention.key_length").unwrap_or(hidden_size / heads);
    if number("llama.rope.dimension_count").is_some_and(|rotated| rotated != head_dim) {
        return Err(unsupported("rotary positions on a part of each head are not supported yet".into()));
    }
    let epsilon = "llama.attention.layer_norm_rms_epsilon";
    let embedding = gguf.tensor("token_embd.weight").ok_or_else(|| missing("token_embd.weight"))?;
    let shape = LlamaShape {
        hidden_size,
        intermediate_size: size("llama.feed_forward_length")?,
        layers: size("llama.block_count")?,
        heads,
        key_value_heads,
        head_dim,
        rms_norm_epsilon: gguf
            .metadata(epsilon)
            .and_then(Value::as_f64)
            .map(shortest)
            .ok_or_else(|| missing(epsilon))?,
        rope_theta: gguf.metadata("llama.rope.freq_base").and_then(Value::as_f64).unwrap_or(10_000.0),
        rope_scaling: factors(gguf, head_dim, path)?,
        vocabulary: embedding.dims.first().copied().unwrap_or(0),
        max_positions: size("llama.context_length")?,
        tied_embeddings: gguf.tensor("output.weight").is_none(),
    };
    shape.check().map_err(unsupported)?;
    Ok(shape)
}

/// The number whose shortest decimal form as f32 was stored: 1e-5 rather than 9.999999747378752e-6.
fn shortest(stored: f64) -> f64 {
    (stored as f32).to_string().parse().unwrap_or(stored)
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

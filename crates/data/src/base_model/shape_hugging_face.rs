//! The shape of a Llama model from config.json, in the spelling of transformers 4 (`rope_theta`, `rope_scaling`) or 5
//! (`rope_parameters`).

use std::path::Path;

use serde_json::Value;

use super::{BaseModelError, Llama3Scaling, LlamaShape, RopeScaling};

pub(super) fn read(config: &Value, path: &Path) -> Result<LlamaShape, BaseModelError> {
    let reader = Reader { config, path };
    reader.refuse_what_is_not_supported()?;
    let heads = reader.size("num_attention_heads")?;
    let hidden_size = reader.size("hidden_size")?;
    let shape = LlamaShape {
        hidden_size,
        intermediate_size: reader.size("intermediate_size")?,
        layers: reader.size("num_hidden_layers")?,
        heads,
        key_value_heads: reader.optional_size("num_key_value_heads").unwrap_or(heads),
        head_dim: reader.optional_size("head_dim").unwrap_or(hidden_size / heads),
        rms_norm_epsilon: reader.number("rms_norm_eps").unwrap_or(1e-6),
        rope_theta: reader.rope_theta(),
        rope_scaling: reader.rope_scaling()?,
        vocabulary: reader.size("vocab_size")?,
        max_positions: reader.optional_size("max_position_embeddings").unwrap_or(2048),
        tied_embeddings: config.get("tie_word_embeddings").and_then(Value::as_bool).unwrap_or(false),
    };
    shape.check().map_err(|problem| reader.unsupported(problem))?;
    Ok(shape)
}

struct Reader<'a> {
    config: &'a Value,
    path: &'a Path,
}

impl Reader<'_> {
    fn unsupported(&self, problem: impl Into<String>) -> BaseModelError {
        BaseModelError::Unsupported { path: self.path.to_path_buf(), problem: problem.into() }
    }

    fn refuse_what_is_not_supported(&self) -> Result<(), BaseModelError> {
        let text = |key: &str| self.config.get(key).and_then(Value::as_str);
        match text("model_type") {
            Some("llama") => {}
            Some(other) => {
                return Err(self.unsupported(format!("model_type '{other}' is not supported yet (llama is)")));
            }
            None => {
                return Err(BaseModelError::Key { path: self.path.to_path_buf(), key: "model_type".into() });
            }
        }
        for key in ["attention_bias", "mlp_bias"] {
            if self.config.get(key).and_then(Value::as_bool) == Some(true) {
                return Err(self.unsupported(format!("{key} is not supported yet")));
            }
        }
        if let Some(other) = text("hidden_act").filter(|activation| *activation != "silu") {
            return Err(self.unsupported(format!("hidden_act '{other}' is not supported yet (silu is)")));
        }
        if self.config.get("quantization_config").is_some_and(|value| !value.is_null()) {
            return Err(
                self.unsupported("weights quantised in another library's format are not supported yet")
            );
        }
        Ok(())
    }

    fn number(&self, key: &str) -> Option<f64> {
        self.config.get(key).and_then(Value::as_f64)
    }

    fn optional_size(&self, key: &str) -> Option<usize> {
        let size = self.config.get(key).and_then(Value::as_u64)?;
        usize::try_from(size).ok().filter(|size| *size > 0)
    }

    fn size(&self, key: &str) -> Result<usize, BaseModelError> {
        self.optional_size(key)
            .ok_or_else(|| BaseModelError::Key { path: self.path.to_path_buf(), key: key.to_owned() })
    }

    /// The rotary settings: `rope_parameters` (transformers 5) or `rope_scaling` (4).
    fn rope(&self) -> Option<&Value> {
        ["rope_parameters", "rope_scaling"]
            .iter()
            .find_map(|key| self.config.get(key).filter(|v| v.is_object()))
    }

    fn rope_theta(&self) -> f64 {
        let nested = self.rope().and_then(|rope| rope.get("rope_theta")).and_then(Value::as_f64);
        nested.or_else(|| self.number("rope_theta")).unwrap_or(10_000.0)
    }

    fn rope_scaling(&self) -> Result<Option<RopeScaling>, BaseModelError> {
        let Some(rope) = self.rope() else { return Ok(None) };
        let kind = rope.get("rope_type").or_else(|| rope.get("type")).and_then(Value::as_str);
        match kind {
            None | Some("default") => Ok(None),
            Some("llama3") => {
                let number = |key: &str| {
                    rope.get(key).and_then(Value::as_f64).filter(|number| *number > 0.0).ok_or_else(|| {
                        BaseModelError::Key {
                            path: self.path.to_path_buf(),
                            key: format!("rope_scaling.{key}"),
                        }
                    })
                };
                Ok(Some(RopeScaling::Llama3(Llama3Scaling {
                    factor: number("factor")?,
                    low_frequency_factor: number("low_freq_factor")?,
                    high_frequency_factor: number("high_freq_factor")?,
                    original_max_positions: number("original_max_position_embeddings")?,
                })))
            }
            Some(other) => Err(self.unsupported(format!("rotary scaling '{other}' is not supported yet"))),
        }
    }
}

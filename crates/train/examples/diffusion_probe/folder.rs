//! One component's folder: `config.json` and one safetensors file, read as simply as the judges need it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use loradeck_data::base_model::stable_diffusion::{
    Activation, BetaSchedule, ClipTextConfig, PredictionType, SchedulerConfig, UnetConfig, VaeConfig,
};
use loradeck_data::base_model::{WeightData, WeightView};
use loradeck_data::safetensors::SafetensorsFile;
use loradeck_train::models::source::WeightSource;
use serde_json::Value;

const TEXT_PREFIX: &str = "text_model.";

/// A component's configuration and weights.
pub(crate) struct Folder {
    config: Value,
    weights: SafetensorsFile,
}

impl WeightSource for Folder {
    fn weight(&self, name: &str) -> Result<WeightView<'_>, String> {
        let entries = self.weights.entries();
        // transformers 5 writes the text encoder's names without their first part.
        let entry = entries.get(name).or_else(|| entries.get(name.strip_prefix(TEXT_PREFIX)?));
        let entry = entry.ok_or("the file does not hold it")?;
        let dtype = SafetensorsFile::data_type(entry).ok_or("its number type is not supported")?;
        let data = WeightData::Stored(self.weights.bytes(entry));
        Ok(WeightView { dtype, shape: entry.shape.clone(), data })
    }
}

impl Folder {
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        let names = ["diffusion_pytorch_model.safetensors", "model.safetensors"];
        let file = names.iter().map(|name| folder.join(name)).find(|path| path.exists());
        let file = file.with_context(|| format!("no weights in {}", folder.display()))?;
        let config = read(&folder.join("config.json"))?;
        Ok(Self { config, weights: SafetensorsFile::open(&file)? })
    }

    /// The names of all weights that are not in `used`.
    pub(crate) fn left(&self, used: &BTreeSet<String>) -> Vec<&String> {
        let is_used = |name: &str| used.contains(name) || used.contains(&format!("{TEXT_PREFIX}{name}"));
        self.weights.entries().keys().filter(|name| !is_used(name)).collect()
    }

    pub(crate) fn unet(&self) -> Result<UnetConfig> {
        let config = &self.config;
        let channels = sizes(config, "block_out_channels")?;
        let attention = |key: &str| -> Result<Vec<bool>> {
            Ok(list(config, key)?
                .iter()
                .map(|kind| kind.as_str().unwrap_or("").starts_with("Cross"))
                .collect())
        };
        let attention_heads = match config.get("attention_head_dim") {
            Some(Value::Array(_)) => sizes(config, "attention_head_dim")?,
            _ => vec![size(config, "attention_head_dim")?; channels.len()],
        };
        Ok(UnetConfig {
            in_channels: size(config, "in_channels")?,
            out_channels: size(config, "out_channels")?,
            block_out_channels: channels,
            down_attention: attention("down_block_types")?,
            up_attention: attention("up_block_types")?,
            layers_per_block: size(config, "layers_per_block")?,
            attention_heads,
            transformer_layers: size(config, "transformer_layers_per_block")?,
            cross_attention_dim: size(config, "cross_attention_dim")?,
            norm_num_groups: size(config, "norm_num_groups")?,
            norm_eps: number(config, "norm_eps")?,
            use_linear_projection: flag(config, "use_linear_projection", false),
            flip_sin_to_cos: flag(config, "flip_sin_to_cos", true),
            freq_shift: number(config, "freq_shift")?,
        })
    }

    pub(crate) fn vae(&self) -> Result<VaeConfig> {
        let config = &self.config;
        Ok(VaeConfig {
            in_channels: size(config, "in_channels")?,
            out_channels: size(config, "out_channels")?,
            latent_channels: size(config, "latent_channels")?,
            block_out_channels: sizes(config, "block_out_channels")?,
            layers_per_block: size(config, "layers_per_block")?,
            norm_num_groups: size(config, "norm_num_groups")?,
            scaling_factor: number(config, "scaling_factor")?,
            mid_block_attention: flag(config, "mid_block_add_attention", true),
            use_quant_conv: flag(config, "use_quant_conv", true),
            use_post_quant_conv: flag(config, "use_post_quant_conv", true),
        })
    }

    pub(crate) fn text(&self) -> Result<ClipTextConfig> {
        let config = &self.config;
        Ok(ClipTextConfig {
            vocab_size: size(config, "vocab_size")?,
            hidden_size: size(config, "hidden_size")?,
            intermediate_size: size(config, "intermediate_size")?,
            num_hidden_layers: size(config, "num_hidden_layers")?,
            num_attention_heads: size(config, "num_attention_heads")?,
            max_position_embeddings: size(config, "max_position_embeddings")?,
            hidden_act: match config.get("hidden_act").and_then(Value::as_str) {
                Some("quick_gelu") => Activation::QuickGelu,
                Some("gelu") => Activation::Gelu,
                other => bail!("hidden_act {other:?}"),
            },
            layer_norm_eps: number(config, "layer_norm_eps")?,
        })
    }
}

/// `scheduler_config.json` of a folder.
pub(crate) fn scheduler(folder: &Path) -> Result<SchedulerConfig> {
    let config = read(&folder.join("scheduler_config.json"))?;
    let word = |key: &str| config.get(key).and_then(Value::as_str);
    Ok(SchedulerConfig {
        num_train_timesteps: size(&config, "num_train_timesteps")?,
        beta_start: number(&config, "beta_start")?,
        beta_end: number(&config, "beta_end")?,
        beta_schedule: match word("beta_schedule") {
            Some("linear") => BetaSchedule::Linear,
            Some("scaled_linear") => BetaSchedule::ScaledLinear,
            other => bail!("beta_schedule {other:?}"),
        },
        prediction_type: match word("prediction_type") {
            Some("epsilon") => PredictionType::Epsilon,
            Some("v_prediction") => PredictionType::VPrediction,
            other => bail!("prediction_type {other:?}"),
        },
        steps_offset: size(&config, "steps_offset")?,
        set_alpha_to_one: flag(&config, "set_alpha_to_one", true),
    })
}

fn read(path: &Path) -> Result<Value> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    Ok(serde_json::from_str(&text)?)
}

fn list<'a>(config: &'a Value, key: &str) -> Result<&'a Vec<Value>> {
    config.get(key).and_then(Value::as_array).with_context(|| format!("no list '{key}'"))
}

fn sizes(config: &Value, key: &str) -> Result<Vec<usize>> {
    let all: Option<Vec<usize>> =
        list(config, key)?.iter().map(|value| value.as_u64().map(|value| value as usize)).collect();
    all.with_context(|| format!("'{key}' is no list of sizes"))
}

fn size(config: &Value, key: &str) -> Result<usize> {
    let value = config.get(key).and_then(Value::as_u64).with_context(|| format!("no size '{key}'"))?;
    Ok(value as usize)
}

fn number(config: &Value, key: &str) -> Result<f64> {
    config.get(key).and_then(Value::as_f64).with_context(|| format!("no number '{key}'"))
}

fn flag(config: &Value, key: &str, otherwise: bool) -> bool {
    config.get(key).and_then(Value::as_bool).unwrap_or(otherwise)
}

//! `vae/config.json`. Defaults are those of diffusers' `AutoencoderKL`, which a file may leave out.

use serde_json::{Value, json};

use super::VaeConfig;
use crate::base_model::BaseModelError;
use crate::base_model::keys::Keys;

pub(super) fn read(mut keys: Keys<'_>) -> Result<VaeConfig, BaseModelError> {
    let block_out_channels = keys.sizes_or("block_out_channels", &[64])?;
    for (key, only) in [("down_block_types", "DownEncoderBlock2D"), ("up_block_types", "UpDecoderBlock2D")] {
        let types = keys.texts_or(key, &vec![only; block_out_channels.len()])?;
        if types.len() != block_out_channels.len() || types.iter().any(|name| *name != only) {
            return Err(keys.refused(format!(
                "'{key}' is {types:?}, which is not {} times '{only}'",
                block_out_channels.len()
            )));
        }
    }
    keys.only("act_fn", &[json!("silu"), json!("swish")])?;
    for key in ["shift_factor", "latents_mean", "latents_std"] {
        keys.only(key, &[Value::Null])?;
    }
    let config = VaeConfig {
        in_channels: keys.size_or("in_channels", 3)?,
        out_channels: keys.size_or("out_channels", 3)?,
        latent_channels: keys.size_or("latent_channels", 4)?,
        layers_per_block: keys.size_or("layers_per_block", 1)?,
        norm_num_groups: keys.size_or("norm_num_groups", 32)?,
        scaling_factor: keys.positive_or("scaling_factor", 0.18215)?,
        mid_block_attention: keys.bool_or("mid_block_add_attention", true)?,
        use_quant_conv: keys.bool_or("use_quant_conv", true)?,
        use_post_quant_conv: keys.bool_or("use_post_quant_conv", true)?,
        block_out_channels,
    };
    check(&config).map_err(|problem| keys.refused(problem))?;
    // `force_upcast` says that the VAE wants single precision, in which it is computed here anyway.
    keys.harmless(&["sample_size", "force_upcast"]);
    keys.finish()?;
    Ok(config)
}

/// Refuses sizes that cannot belong together.
pub(super) fn check(config: &VaeConfig) -> Result<(), String> {
    if (config.in_channels, config.out_channels) != (3, 3) {
        return Err(format!(
            "its VAE takes {} and gives {} channels; pictures have 3",
            config.in_channels, config.out_channels
        ));
    }
    config
        .block_out_channels
        .iter()
        .try_for_each(|channels| super::check_groups(*channels, config.norm_num_groups))
}

//! `unet/config.json`. Defaults are those of diffusers' `UNet2DConditionModel`, which a file may leave out.

use serde_json::{Value, json};

use super::UnetConfig;
use crate::base_model::BaseModelError;
use crate::base_model::keys::Keys;

/// Stable Diffusion's own block types, finest resolution first and coarsest first.
const DOWN: [&str; 4] =
    ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"];
const UP: [&str; 4] = ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"];

/// The configuration, and whether attention is to be computed in single precision (`upcast_attention`).
pub(super) fn read(mut keys: Keys<'_>) -> Result<(UnetConfig, bool), BaseModelError> {
    refuse_other_models(&mut keys)?;
    refuse_other_blocks(&mut keys)?;
    let block_out_channels = keys.sizes_or("block_out_channels", &[320, 640, 1280, 1280])?;
    let levels = block_out_channels.len();
    let down = keys.texts_or("down_block_types", &DOWN)?;
    let up = keys.texts_or("up_block_types", &UP)?;
    let config = UnetConfig {
        in_channels: keys.size_or("in_channels", 4)?,
        out_channels: keys.size_or("out_channels", 4)?,
        down_attention: attention(&keys, "down_block_types", &down, ["DownBlock2D", DOWN[0]], levels)?,
        up_attention: attention(&keys, "up_block_types", &up, ["UpBlock2D", UP[1]], levels)?,
        layers_per_block: keys.same_size_or("layers_per_block", levels, 2)?,
        attention_heads: keys.size_each_or("attention_head_dim", levels, 8)?,
        transformer_layers: keys.same_size_or("transformer_layers_per_block", levels, 1)?,
        cross_attention_dim: keys.same_size_or("cross_attention_dim", levels, 1280)?,
        norm_num_groups: keys.size_or("norm_num_groups", 32)?,
        norm_eps: keys.positive_or("norm_eps", 1e-5)?,
        use_linear_projection: keys.bool_or("use_linear_projection", false)?,
        flip_sin_to_cos: keys.bool_or("flip_sin_to_cos", true)?,
        freq_shift: keys.number_or("freq_shift", 0.0)?,
        block_out_channels,
    };
    let upcast_attention = keys.bool_or("upcast_attention", false)?;
    check(&config).map_err(|problem| keys.refused(problem))?;
    keys.harmless(&["sample_size", "addition_embed_type_num_heads", "reverse_transformer_layers_per_block"]);
    keys.only("reverse_transformer_layers_per_block", &[Value::Null])?;
    keys.finish()?;
    Ok((config, upcast_attention))
}

fn attention(
    keys: &Keys<'_>,
    key: &str,
    types: &[&str],
    [without, with]: [&str; 2],
    levels: usize,
) -> Result<Vec<bool>, BaseModelError> {
    if types.len() != levels {
        return Err(keys.refused(format!(
            "'{key}' names {} blocks for the {levels} entries of 'block_out_channels'",
            types.len()
        )));
    }
    if let Some(other) = types.iter().find(|name| **name != with && **name != without) {
        return Err(
            keys.refused(format!("'{key}' names '{other}', which is not supported ({with}, {without})"))
        );
    }
    Ok(types.iter().map(|name| *name == with).collect())
}

/// Keys that make another model of it: further conditions, other embeddings.
fn refuse_other_models(keys: &mut Keys<'_>) -> Result<(), BaseModelError> {
    for key in [
        "class_embed_type",
        "num_class_embeds",
        "addition_embed_type",
        "addition_time_embed_dim",
        "time_cond_proj_dim",
        "encoder_hid_dim",
        "encoder_hid_dim_type",
        "projection_class_embeddings_input_dim",
        "time_embedding_dim",
        "time_embedding_act_fn",
        "timestep_post_act",
        "cross_attention_norm",
        // diffusers refuses it too: `attention_head_dim` holds the number of heads.
        "num_attention_heads",
    ] {
        keys.only(key, &[Value::Null])?;
    }
    keys.only("time_embedding_type", &[json!("positional")])?;
    keys.only("attention_type", &[json!("default")])?;
    keys.only("center_input_sample", &[json!(false)])?;
    keys.only("class_embeddings_concat", &[json!(false)])?;
    keys.only("dual_cross_attention", &[json!(false)])
}

/// Keys that change what a block computes.
fn refuse_other_blocks(keys: &mut Keys<'_>) -> Result<(), BaseModelError> {
    keys.only("mid_block_type", &[json!("UNetMidBlock2DCrossAttn")])?;
    keys.only("mid_block_only_cross_attention", &[Value::Null, json!(false)])?;
    keys.only("mid_block_scale_factor", &[json!(1)])?;
    if keys.raw("only_cross_attention").is_some_and(Value::is_array) {
        let all = keys.raw("only_cross_attention").and_then(Value::as_array);
        if all.is_some_and(|list| list.iter().any(|value| value != &json!(false))) {
            return Err(keys.refused("'only_cross_attention' is not all false, which is not supported"));
        }
    } else {
        keys.only("only_cross_attention", &[json!(false)])?;
    }
    keys.only("act_fn", &[json!("silu"), json!("swish")])?;
    keys.only("dropout", &[json!(0)])?;
    keys.only("downsample_padding", &[json!(1)])?;
    keys.only("resnet_time_scale_shift", &[json!("default")])?;
    keys.only("resnet_skip_time_act", &[json!(false)])?;
    keys.only("resnet_out_scale_factor", &[json!(1)])?;
    keys.only("conv_in_kernel", &[json!(3)])?;
    keys.only("conv_out_kernel", &[json!(3)])
}

/// Refuses sizes that cannot belong together.
pub(super) fn check(config: &UnetConfig) -> Result<(), String> {
    if config.in_channels == 9 {
        return Err(
            "an inpainting model (its UNet takes 9 channels: latents, mask and masked picture), which is not \
             supported; use the model that it was made from"
                .into(),
        );
    }
    if config.in_channels != config.out_channels {
        return Err(format!(
            "its UNet takes {} channels and gives {}: a model with a picture as further input (depth, upscaling, \
             editing) is not supported",
            config.in_channels, config.out_channels
        ));
    }
    for (channels, heads) in config.block_out_channels.iter().zip(&config.attention_heads) {
        super::check_groups(*channels, config.norm_num_groups)?;
        if !channels.is_multiple_of(*heads) {
            return Err(format!("{channels} channels cannot be split over {heads} attention heads"));
        }
    }
    if !config.block_out_channels.first().is_some_and(|width| width.is_multiple_of(2)) {
        return Err(
            "its first entry of 'block_out_channels' is odd, so the time embedding has no halves".into()
        );
    }
    // The exponent's divisor is half the width less this shift.
    if config.freq_shift < 0.0 || config.freq_shift >= config.block_out_channels[0] as f64 / 2.0 {
        return Err(format!("'freq_shift' is {}, which is out of range", config.freq_shift));
    }
    Ok(())
}

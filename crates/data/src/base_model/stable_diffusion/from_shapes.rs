//! The configuration of a checkpoint file: sizes from its tensors' shapes, constants from Stable Diffusion 1's and 2's
//! own configuration files, which every such checkpoint shares.

use std::collections::HashMap;

use super::stored::TextNames;
use super::{
    Activation, BetaSchedule, ClipTextConfig, PredictionType, SchedulerConfig, UnetConfig, VaeConfig,
};
use crate::safetensors::Entry;

/// Width of one attention head of CLIP, `OpenCLIP` and Stable Diffusion 2's UNet.
const HEAD_WIDTH: usize = 64;
/// Attention heads of Stable Diffusion 1's UNet at every resolution.
const HEADS: usize = 8;
/// Blocks deeper than this are a broken file.
const DEEPEST: usize = 256;

const UNET: &str = "model.diffusion_model";
const VAE: &str = "first_stage_model";

/// The tensors of a checkpoint file.
#[derive(Clone, Copy)]
pub(super) struct Tensors<'a>(pub(super) &'a HashMap<String, Entry>);

impl<'a> Tensors<'a> {
    fn shape(self, name: &str) -> Result<&'a [usize], String> {
        let entry = self.0.get(name).ok_or_else(|| format!("its tensor '{name}' is missing"))?;
        Ok(&entry.shape)
    }

    /// One size of a tensor.
    fn size(self, name: &str, axis: usize) -> Result<usize, String> {
        let shape = self.shape(name)?;
        let size = shape.get(axis).copied().filter(|size| (1..1 << 24).contains(size));
        size.ok_or_else(|| format!("its tensor '{name}' has the shape {shape:?}"))
    }

    fn has(self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// How many numbers from 0 on give the name of a tensor.
    fn count(self, name: impl Fn(usize) -> String) -> usize {
        (0..DEEPEST).take_while(|number| self.has(&name(*number))).count()
    }
}

/// How the text encoder's weights are called.
pub(super) fn text_names(tensors: Tensors<'_>) -> Result<TextNames, String> {
    let known = [
        ("transformer.text_model.embeddings.token_embedding.weight", TextNames::Clip),
        ("transformer.embeddings.token_embedding.weight", TextNames::ClipWithoutPrefix),
        ("model.token_embedding.weight", TextNames::OpenClip),
    ];
    let found = known.iter().find(|(name, _)| tensors.has(&format!("cond_stage_model.{name}")));
    found.map(|(_, names)| *names).ok_or_else(|| {
        "it holds no text encoder ('cond_stage_model.transformer.…'): name a file with all three parts, or a \
         diffusers folder"
            .to_owned()
    })
}

/// One input block of the UNet: channels that come out, whether it has attention.
struct Block {
    channels: usize,
    attention: bool,
}

/// The UNet's configuration.
pub(super) fn unet(tensors: Tensors<'_>, text: &ClipTextConfig) -> Result<UnetConfig, String> {
    let levels = unet_levels(tensors)?;
    let layers_per_block = levels[0].len();
    if let Some(odd) = levels.iter().find(|level| level.len() != layers_per_block) {
        return Err(format!(
            "its UNet's resolutions have {layers_per_block} and {} residual blocks: only equal numbers are supported",
            odd.len()
        ));
    }
    let uneven = |level: &Vec<Block>| {
        level.iter().any(|b| b.attention != level[0].attention || b.channels != level[0].channels)
    };
    if levels.iter().any(uneven) {
        return Err("the blocks of one resolution of its UNet differ, which is not supported".into());
    }
    let block_out_channels: Vec<usize> = levels.iter().map(|level| level[0].channels).collect();
    let up_attention = (0..levels.len())
        .map(|block| {
            let place = block * (layers_per_block + 1);
            tensors.has(&format!("{UNET}.output_blocks.{place}.1.proj_in.weight"))
        })
        .collect();
    let middle = format!("{UNET}.middle_block.1");
    let use_linear_projection = tensors.shape(&format!("{middle}.proj_in.weight"))?.len() == 2;
    let heads = |channels: &usize| if use_linear_projection { channels / HEAD_WIDTH } else { HEADS };
    let cross_attention_dim = tensors.size(&format!("{middle}.transformer_blocks.0.attn2.to_k.weight"), 1)?;
    if cross_attention_dim != text.hidden_size {
        return Err(format!(
            "its UNet reads text states of width {cross_attention_dim}, its text encoder gives {}",
            text.hidden_size
        ));
    }
    let config = UnetConfig {
        in_channels: tensors.size(&format!("{UNET}.input_blocks.0.0.weight"), 1)?,
        out_channels: tensors.size(&format!("{UNET}.out.2.weight"), 0)?,
        down_attention: levels.iter().map(|level| level[0].attention).collect(),
        up_attention,
        layers_per_block,
        attention_heads: block_out_channels.iter().map(|channels| heads(channels).max(1)).collect(),
        transformer_layers: tensors
            .count(|number| format!("{middle}.transformer_blocks.{number}.norm1.weight")),
        cross_attention_dim,
        norm_num_groups: 32,
        norm_eps: 1e-5,
        use_linear_projection,
        flip_sin_to_cos: true,
        freq_shift: 0.0,
        block_out_channels,
    };
    super::read_unet::check(&config)?;
    Ok(config)
}

/// The UNet's input blocks, level by level: a downsampler ends a level.
fn unet_levels(tensors: Tensors<'_>) -> Result<Vec<Vec<Block>>, String> {
    let (mut levels, mut level): (Vec<Vec<Block>>, Vec<Block>) = (Vec::new(), Vec::new());
    for place in 1..DEEPEST {
        let block = format!("{UNET}.input_blocks.{place}");
        if tensors.has(&format!("{block}.0.op.weight")) {
            levels.push(std::mem::take(&mut level));
        } else if tensors.has(&format!("{block}.0.in_layers.2.weight")) {
            let channels = tensors.size(&format!("{block}.0.in_layers.2.weight"), 0)?;
            let attention = tensors.has(&format!("{block}.1.proj_in.weight"));
            level.push(Block { channels, attention });
        } else {
            break;
        }
    }
    levels.push(level);
    if levels.iter().any(Vec::is_empty) {
        return Err(format!(
            "its UNet's input blocks are not laid out as Stable Diffusion's: '{UNET}.input_blocks.1.0.in_layers.2.weight' \
             or a later one is missing"
        ));
    }
    Ok(levels)
}

/// The VAE's configuration.
pub(super) fn vae(tensors: Tensors<'_>) -> Result<VaeConfig, String> {
    let block = |level: usize, layer: usize| format!("{VAE}.encoder.down.{level}.block.{layer}.conv1.weight");
    let levels = tensors.count(|level| block(level, 0));
    let layers_per_block = tensors.count(|layer| block(0, layer));
    if levels == 0 {
        return Err(format!(
            "it holds no VAE ('{VAE}.…'): name a file with all three parts, or a diffusers folder"
        ));
    }
    let channels: Result<Vec<usize>, String> =
        (0..levels).map(|level| tensors.size(&block(level, 0), 0)).collect();
    let config = VaeConfig {
        in_channels: tensors.size(&format!("{VAE}.encoder.conv_in.weight"), 1)?,
        out_channels: tensors.size(&format!("{VAE}.decoder.conv_out.weight"), 0)?,
        latent_channels: tensors.size(&format!("{VAE}.decoder.conv_in.weight"), 1)?,
        block_out_channels: channels?,
        layers_per_block,
        norm_num_groups: 32,
        scaling_factor: 0.18215,
        mid_block_attention: tensors.has(&format!("{VAE}.encoder.mid.attn_1.q.weight")),
        use_quant_conv: tensors.has(&format!("{VAE}.quant_conv.weight")),
        use_post_quant_conv: tensors.has(&format!("{VAE}.post_quant_conv.weight")),
    };
    super::read_vae::check(&config)?;
    Ok(config)
}

/// The text encoder's configuration.
pub(super) fn text_encoder(tensors: Tensors<'_>, names: TextNames) -> Result<ClipTextConfig, String> {
    let open = names == TextNames::OpenClip;
    let prefix = match names {
        TextNames::Clip => "cond_stage_model.transformer.text_model",
        TextNames::ClipWithoutPrefix => "cond_stage_model.transformer",
        TextNames::OpenClip => "cond_stage_model.model",
    };
    let [tokens, positions, inner] = if open {
        ["token_embedding.weight", "positional_embedding", "transformer.resblocks.0.mlp.c_fc.weight"]
    } else {
        [
            "embeddings.token_embedding.weight",
            "embeddings.position_embedding.weight",
            "encoder.layers.0.mlp.fc1.weight",
        ]
    };
    let norm = if open { "ln_1" } else { "layer_norm1" };
    let blocks = if open { "transformer.resblocks" } else { "encoder.layers" };
    let layers = tensors.count(|layer| format!("{prefix}.{blocks}.{layer}.{norm}.weight"));
    let tokens = format!("{prefix}.{tokens}");
    let hidden_size = tensors.size(&tokens, 1)?;
    let config = ClipTextConfig {
        vocab_size: tensors.size(&tokens, 0)?,
        hidden_size,
        intermediate_size: tensors.size(&format!("{prefix}.{inner}"), 0)?,
        // Stable Diffusion 2 reads the last layer but one.
        num_hidden_layers: if open { layers.saturating_sub(1) } else { layers },
        num_attention_heads: (hidden_size / HEAD_WIDTH).max(1),
        max_position_embeddings: tensors.size(&format!("{prefix}.{positions}"), 0)?,
        hidden_act: if open { Activation::Gelu } else { Activation::QuickGelu },
        layer_norm_eps: 1e-5,
    };
    super::read_text_encoder::check(&config)?;
    Ok(config)
}

/// Stable Diffusion's noise schedule.
pub(super) fn scheduler(prediction_type: PredictionType) -> SchedulerConfig {
    SchedulerConfig {
        num_train_timesteps: 1000,
        beta_start: 0.00085,
        beta_end: 0.012,
        beta_schedule: BetaSchedule::ScaledLinear,
        prediction_type,
        steps_offset: 1,
        set_alpha_to_one: false,
    }
}

//! What a configuration must hold for its network to exist, and the sizes that follow from it.

use loradeck_data::base_model::stable_diffusion::UnetConfig;

use crate::models::blocks::ResnetShape;
use crate::models::loader::LoadError;

/// The sizes of the transformers at one resolution.
#[derive(Clone, Copy, Debug)]
pub(super) struct TransformerShape {
    pub(super) channels: usize,
    pub(super) heads: usize,
    pub(super) layers: usize,
    /// Width of the text encoder's states.
    pub(super) states: usize,
    pub(super) groups: usize,
    pub(super) linear_projection: bool,
}

/// The transformers at resolution `level`, 0 the finest.
pub(super) fn transformer(config: &UnetConfig, level: usize) -> TransformerShape {
    TransformerShape {
        channels: config.block_out_channels[level],
        heads: config.attention_heads[level],
        layers: config.transformer_layers,
        states: config.cross_attention_dim,
        groups: config.norm_num_groups,
        linear_projection: config.use_linear_projection,
    }
}

/// A residual block from `inputs` to `outputs` channels.
pub(super) fn resnet(config: &UnetConfig, inputs: usize, outputs: usize) -> ResnetShape {
    ResnetShape {
        inputs,
        outputs,
        time_width: Some(time_width(config)),
        groups: config.norm_num_groups,
        epsilon: config.norm_eps,
    }
}

/// Width of the time embedding.
pub(super) fn time_width(config: &UnetConfig) -> usize {
    4 * config.block_out_channels[0]
}

/// Refuses a configuration that no network can have.
pub(super) fn check(config: &UnetConfig) -> Result<(), LoadError> {
    problem(config).map_or(Ok(()), |problem| Err(LoadError::Config { component: "unet", problem }))
}

fn problem(config: &UnetConfig) -> Option<String> {
    let levels = config.block_out_channels.len();
    let lists = [
        ("down_block_types", config.down_attention.len()),
        ("up_block_types", config.up_attention.len()),
        ("attention_head_dim", config.attention_heads.len()),
    ];
    if levels == 0 || config.layers_per_block == 0 {
        return Some("block_out_channels is empty or layers_per_block is 0".to_owned());
    }
    if let Some((name, length)) = lists.into_iter().find(|(_, length)| *length != levels) {
        return Some(format!("{name} has {length} entries, but block_out_channels has {levels}"));
    }
    let groups = config.norm_num_groups;
    for (channels, heads) in config.block_out_channels.iter().zip(&config.attention_heads) {
        if groups == 0 || *channels == 0 || !channels.is_multiple_of(groups) {
            return Some(format!("{channels} channels cannot be shared between {groups} norm_num_groups"));
        }
        if *heads == 0 || !channels.is_multiple_of(*heads) {
            return Some(format!("{channels} channels cannot be shared between {heads} attention heads"));
        }
    }
    let first = config.block_out_channels[0];
    if !first.is_multiple_of(2) {
        return Some(format!("the time embedding needs an even number of channels, not {first}"));
    }
    None
}

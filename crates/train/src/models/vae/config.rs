//! What a configuration must hold for its autoencoder to exist, and the sizes that follow from it.

use loradeck_data::base_model::stable_diffusion::VaeConfig;

use crate::models::blocks::ResnetShape;
use crate::models::loader::LoadError;

/// ε of every group norm.
pub(super) const EPSILON: f64 = 1e-6;

/// A residual block from `inputs` to `outputs` channels.
pub(super) fn resnet(config: &VaeConfig, inputs: usize, outputs: usize) -> ResnetShape {
    ResnetShape { inputs, outputs, time_width: None, groups: config.norm_num_groups, epsilon: EPSILON }
}

/// Refuses a configuration that no autoencoder can have.
pub(super) fn check(config: &VaeConfig) -> Result<(), LoadError> {
    problem(config).map_or(Ok(()), |problem| Err(LoadError::Config { component: "vae", problem }))
}

fn problem(config: &VaeConfig) -> Option<String> {
    if config.block_out_channels.is_empty() || config.layers_per_block == 0 {
        return Some("block_out_channels is empty or layers_per_block is 0".to_owned());
    }
    let groups = config.norm_num_groups;
    let unfit = |channels: &&usize| groups == 0 || **channels == 0 || !channels.is_multiple_of(groups);
    config
        .block_out_channels
        .iter()
        .find(unfit)
        .map(|channels| format!("{channels} channels cannot be shared between {groups} norm_num_groups"))
}

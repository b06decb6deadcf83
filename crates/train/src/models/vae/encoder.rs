//! From pictures to the moments of their latents.

use loradeck_data::base_model::stable_diffusion::VaeConfig;
use tch::{TchError, Tensor};

use super::config::{self, EPSILON};
use super::mid::MidBlock;
use crate::adapters::autograd::{AutogradConv2d, Context};
use crate::models::blocks::{Downsample, GroupNorm, Resnet};
use crate::models::loader::{ConvShape, LoadError, Loader};

#[derive(Debug)]
pub(super) struct Encoder {
    conv_in: AutogradConv2d,
    blocks: Vec<Block>,
    mid: MidBlock,
    norm_out: GroupNorm,
    conv_out: AutogradConv2d,
}

/// diffusers' `DownEncoderBlock2D`.
#[derive(Debug)]
struct Block {
    resnets: Vec<Resnet>,
    downsample: Option<Downsample>,
}

impl Encoder {
    pub(super) fn load(loader: &Loader, config: &VaeConfig) -> Result<Self, LoadError> {
        let levels = config.block_out_channels.len();
        let (first, last) = (config.block_out_channels[0], config.block_out_channels[levels - 1]);
        let moments = 2 * config.latent_channels;
        Ok(Self {
            conv_in: loader.conv("encoder.conv_in", ConvShape::same(config.in_channels, first, 3))?,
            blocks: (0..levels).map(|level| Block::load(loader, config, level)).collect::<Result<_, _>>()?,
            mid: MidBlock::load(loader, "encoder.mid_block", config, last)?,
            norm_out: loader.group_norm("encoder.conv_norm_out", config.norm_num_groups, last, EPSILON)?,
            conv_out: loader.conv("encoder.conv_out", ConvShape::same(last, moments, 3))?,
        })
    }

    /// `[samples, channels, height, width]` to `[samples, 2 · latent channels, height / 2ⁿ, width / 2ⁿ]`.
    pub(super) fn forward(&self, pictures: &Tensor) -> Result<Tensor, TchError> {
        let base = Context::base();
        let mut x = self.conv_in.forward(pictures, &base)?;
        for block in &self.blocks {
            x = block.forward(x)?;
        }
        let x = self.norm_out.forward(&self.mid.forward(&x)?)?.f_silu()?;
        self.conv_out.forward(&x, &base)
    }
}

impl Block {
    fn load(loader: &Loader, config: &VaeConfig, level: usize) -> Result<Self, LoadError> {
        let module = format!("encoder.down_blocks.{level}");
        let outputs = config.block_out_channels[level];
        let before = config.block_out_channels[level.saturating_sub(1)];
        let resnet = |number: usize| {
            let inputs = if number == 0 { before } else { outputs };
            let shape = config::resnet(config, inputs, outputs);
            Resnet::load(loader, &format!("{module}.resnets.{number}"), shape)
        };
        let downsample = (level + 1 < config.block_out_channels.len())
            .then(|| Downsample::load(loader, &format!("{module}.downsamplers.0"), outputs, true));
        Ok(Self {
            resnets: (0..config.layers_per_block).map(resnet).collect::<Result<_, _>>()?,
            downsample: downsample.transpose()?,
        })
    }

    fn forward(&self, mut x: Tensor) -> Result<Tensor, TchError> {
        let base = Context::base();
        for resnet in &self.resnets {
            x = resnet.forward(&x, None, &base)?;
        }
        match &self.downsample {
            Some(downsample) => downsample.forward(&x, &base),
            None => Ok(x),
        }
    }
}

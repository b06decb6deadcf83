//! From latents to pictures.

use loradeck_data::base_model::stable_diffusion::VaeConfig;
use tch::{TchError, Tensor};

use super::config::{self, EPSILON};
use super::mid::MidBlock;
use crate::adapters::autograd::{AutogradConv2d, Context};
use crate::models::blocks::{GroupNorm, Resnet, Upsample};
use crate::models::loader::{ConvShape, LoadError, Loader};

#[derive(Debug)]
pub(super) struct Decoder {
    conv_in: AutogradConv2d,
    mid: MidBlock,
    blocks: Vec<Block>,
    norm_out: GroupNorm,
    conv_out: AutogradConv2d,
}

/// diffusers' `UpDecoderBlock2D`.
#[derive(Debug)]
struct Block {
    resnets: Vec<Resnet>,
    upsample: Option<Upsample>,
}

impl Decoder {
    pub(super) fn load(loader: &Loader, config: &VaeConfig) -> Result<Self, LoadError> {
        let levels = config.block_out_channels.len();
        let (first, last) = (config.block_out_channels[0], config.block_out_channels[levels - 1]);
        Ok(Self {
            conv_in: loader.conv("decoder.conv_in", ConvShape::same(config.latent_channels, last, 3))?,
            mid: MidBlock::load(loader, "decoder.mid_block", config, last)?,
            blocks: (0..levels)
                .map(|number| Block::load(loader, config, number))
                .collect::<Result<_, _>>()?,
            norm_out: loader.group_norm("decoder.conv_norm_out", config.norm_num_groups, first, EPSILON)?,
            conv_out: loader.conv("decoder.conv_out", ConvShape::same(first, config.out_channels, 3))?,
        })
    }

    /// `[samples, latent channels, height, width]` to `[samples, channels, height · 2ⁿ, width · 2ⁿ]`.
    pub(super) fn forward(&self, latents: &Tensor) -> Result<Tensor, TchError> {
        let base = Context::base();
        let mut x = self.mid.forward(&self.conv_in.forward(latents, &base)?)?;
        for block in &self.blocks {
            x = block.forward(x)?;
        }
        self.conv_out.forward(&self.norm_out.forward(&x)?.f_silu()?, &base)
    }
}

impl Block {
    /// The `number`th block, 0 the coarsest.
    fn load(loader: &Loader, config: &VaeConfig, number: usize) -> Result<Self, LoadError> {
        let module = format!("decoder.up_blocks.{number}");
        let channels = &config.block_out_channels;
        let level = channels.len() - 1 - number;
        let (outputs, coarser) = (channels[level], channels[(level + 1).min(channels.len() - 1)]);
        let resnet = |layer: usize| {
            let inputs = if layer == 0 { coarser } else { outputs };
            let shape = config::resnet(config, inputs, outputs);
            Resnet::load(loader, &format!("{module}.resnets.{layer}"), shape)
        };
        let upsample =
            (level > 0).then(|| Upsample::load(loader, &format!("{module}.upsamplers.0"), outputs));
        Ok(Self {
            resnets: (0..=config.layers_per_block).map(resnet).collect::<Result<_, _>>()?,
            upsample: upsample.transpose()?,
        })
    }

    fn forward(&self, mut x: Tensor) -> Result<Tensor, TchError> {
        let base = Context::base();
        for resnet in &self.resnets {
            x = resnet.forward(&x, None, &base)?;
        }
        match &self.upsample {
            Some(upsample) => upsample.forward(&x, None, &base),
            None => Ok(x),
        }
    }
}

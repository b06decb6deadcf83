//! The network from noisy latents to its prediction.

use loradeck_data::base_model::stable_diffusion::UnetConfig;
use tch::{TchError, Tensor};

use super::Conditions;
use super::config;
use super::down::DownBlock;
use super::mid::MidBlock;
use super::time::TimeEmbedding;
use super::up::UpBlock;
use crate::adapters::autograd::{AutogradConv2d, Context, LayerMut};
use crate::models::blocks::GroupNorm;
use crate::models::flow::{Direct, Flow, Value};
use crate::models::loader::{ConvShape, LoadError, Loader};

/// A frozen UNet with places for branches.
#[derive(Debug)]
pub struct Unet {
    time: TimeEmbedding,
    conv_in: AutogradConv2d,
    down: Vec<DownBlock>,
    mid: MidBlock,
    up: Vec<UpBlock>,
    norm_out: GroupNorm,
    conv_out: AutogradConv2d,
    upcast_attention: bool,
}

impl Unet {
    /// Loads the network that `config` describes.
    pub fn load(config: &UnetConfig, loader: &Loader) -> Result<Self, LoadError> {
        config::check(config)?;
        let levels = config.block_out_channels.len();
        let first = config.block_out_channels[0];
        Ok(Self {
            time: TimeEmbedding::load(loader, config)?,
            conv_in: loader.conv("conv_in", ConvShape::same(config.in_channels, first, 3))?,
            down: (0..levels)
                .map(|level| DownBlock::load(loader, config, level))
                .collect::<Result<_, _>>()?,
            mid: MidBlock::load(loader, config)?,
            up: (0..levels).map(|number| UpBlock::load(loader, config, number)).collect::<Result<_, _>>()?,
            norm_out: loader.group_norm("conv_norm_out", config.norm_num_groups, first, config.norm_eps)?,
            conv_out: loader.conv("conv_out", ConvShape::same(first, config.out_channels, 3))?,
            upcast_attention: false,
        })
    }

    /// Says whether attention is computed in fp32 whatever the weights' number type is (`upcast_attention` of Stable
    /// Diffusion 2.1, whose scores overflow in fp16).
    pub fn set_upcast_attention(&mut self, upcast: bool) {
        self.upcast_attention = upcast;
    }

    /// The prediction `[samples, channels, height, width]` for `latents` of that size (of the number type that the
    /// weights have), `timesteps` `[samples]` of any number type, and the text encoder's `states`
    /// `[samples, tokens, width]`.
    pub fn forward(
        &self,
        latents: &Tensor,
        timesteps: &Tensor,
        states: &Tensor,
        context: &Context,
    ) -> Result<Tensor, TchError> {
        let mut flow = Direct(context);
        let states = flow.constant(states.shallow_clone());
        Ok(self.run(latents, timesteps, &states, &mut flow)?.tensor().shallow_clone())
    }

    /// The same, block by block through `flow`.
    pub fn run<'a>(
        &'a self,
        latents: &Tensor,
        timesteps: &Tensor,
        states: &Value,
        flow: &mut impl Flow<'a>,
    ) -> Result<Value, TchError> {
        let time = self.time.forward(timesteps)?;
        let conditions = Conditions { time: &time, states, upcast_attention: self.upcast_attention };
        // The first convolution is never a target, so its context does not matter.
        let mut x = flow.constant(self.conv_in.forward(latents, &Context::base())?);
        let mut skips = vec![x.share()];
        for block in &self.down {
            x = block.run(x, conditions, &mut skips, flow)?;
        }
        x = self.mid.run(&x, conditions, flow)?;
        for block in &self.up {
            x = block.run(x, conditions, &mut skips, flow)?;
        }
        flow.run([&x], |[x], context| self.conv_out.forward(&self.norm_out.forward(x)?.f_silu()?, context))
    }

    /// Calls `visitor` for every layer that may carry a branch, by diffusers' module names, always in the order of the
    /// forward pass: the blocks down, the middle block, the blocks up; in a block its residual blocks, each followed by
    /// its transformer, then the down- or upsampler.
    ///
    /// Within a residual block `conv1`, `time_emb_proj`, `conv2`, `conv_shortcut`; within a transformer `proj_in`, then
    /// in each layer `attn1` and `attn2` with `to_q`, `to_k`, `to_v`, `to_out.0`, `ff.net.0.proj`, `ff.net.2`, and at
    /// the end `proj_out`. The first and the last convolution and the time embedding's own layers are no places for
    /// branches.
    pub fn visit(&mut self, visitor: &mut dyn FnMut(&str, LayerMut<'_>)) {
        for (level, block) in self.down.iter_mut().enumerate() {
            block.visit(level, visitor);
        }
        self.mid.visit(visitor);
        for (number, block) in self.up.iter_mut().enumerate() {
            block.visit(number, visitor);
        }
    }
}

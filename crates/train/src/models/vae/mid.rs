//! The middle of encoder and decoder (diffusers' `UNetMidBlock2D`).

use loradeck_data::base_model::stable_diffusion::VaeConfig;
use tch::{TchError, Tensor};

use super::config::{self, EPSILON};
use crate::adapters::autograd::{AutogradLinear, Context};
use crate::models::blocks::{GroupNorm, Resnet, attend};
use crate::models::loader::{LoadError, Loader};

/// Two residual blocks, between them attention if the configuration says so.
#[derive(Debug)]
pub(super) struct MidBlock {
    first: Resnet,
    attention: Option<PixelAttention>,
    second: Resnet,
}

impl MidBlock {
    pub(super) fn load(
        loader: &Loader,
        module: &str,
        config: &VaeConfig,
        channels: usize,
    ) -> Result<Self, LoadError> {
        let shape = config::resnet(config, channels, channels);
        let attention = config.mid_block_attention.then(|| {
            PixelAttention::load(loader, &format!("{module}.attentions.0"), config.norm_num_groups, channels)
        });
        Ok(Self {
            first: Resnet::load(loader, &format!("{module}.resnets.0"), shape)?,
            attention: attention.transpose()?,
            second: Resnet::load(loader, &format!("{module}.resnets.1"), shape)?,
        })
    }

    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor, TchError> {
        let base = Context::base();
        let mut x = self.first.forward(x, None, &base)?;
        if let Some(attention) = &self.attention {
            x = attention.forward(&x)?;
        }
        self.second.forward(&x, None, &base)
    }
}

/// Attention between all pixels in one head, beside a residual path.
#[derive(Debug)]
struct PixelAttention {
    norm: GroupNorm,
    query: AutogradLinear,
    key: AutogradLinear,
    value: AutogradLinear,
    out: AutogradLinear,
}

impl PixelAttention {
    fn load(loader: &Loader, module: &str, groups: usize, channels: usize) -> Result<Self, LoadError> {
        let square = |part: &str| loader.linear(&format!("{module}.{part}"), channels, channels);
        Ok(Self {
            norm: loader.group_norm(&format!("{module}.group_norm"), groups, channels, EPSILON)?,
            query: square("to_q")?,
            key: square("to_k")?,
            value: square("to_v")?,
            out: square("to_out.0")?,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor, TchError> {
        let base = Context::base();
        let pixels = self.norm.forward(x)?.f_flatten(2, 3)?.f_transpose(1, 2)?;
        let query = self.query.forward(&pixels, &base)?;
        let (key, value) = (self.key.forward(&pixels, &base)?, self.value.forward(&pixels, &base)?);
        let out = self.out.forward(&attend(&query, &key, &value, 1, false)?, &base)?;
        out.f_transpose(1, 2)?.f_reshape(x.size())?.f_add(x)
    }
}

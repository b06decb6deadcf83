//! A block on the way down (diffusers' `CrossAttnDownBlock2D` and `DownBlock2D`).

use loradeck_data::base_model::stable_diffusion::UnetConfig;
use tch::TchError;

use super::Conditions;
use super::config;
use super::transformer::Transformer;
use crate::models::blocks::{Downsample, Resnet, Visitor};
use crate::models::flow::{Flow, Value};
use crate::models::loader::{LoadError, Loader};

#[derive(Debug)]
pub(super) struct DownBlock {
    /// Residual blocks, each with the transformer that follows it, if any.
    layers: Vec<(Resnet, Option<Transformer>)>,
    downsample: Option<Downsample>,
}

impl DownBlock {
    /// The block at resolution `level`, 0 the finest.
    pub(super) fn load(loader: &Loader, config: &UnetConfig, level: usize) -> Result<Self, LoadError> {
        let module = block_name(level);
        let outputs = config.block_out_channels[level];
        let before = config.block_out_channels[level.saturating_sub(1)];
        let layer = |number: usize| {
            let inputs = if number == 0 { before } else { outputs };
            let shape = config::resnet(config, inputs, outputs);
            let resnet = Resnet::load(loader, &format!("{module}.resnets.{number}"), shape)?;
            let transformer = config.down_attention[level].then(|| {
                let shape = config::transformer(config, level);
                Transformer::load(loader, &format!("{module}.attentions.{number}"), shape)
            });
            Ok((resnet, transformer.transpose()?))
        };
        let layers = (0..config.layers_per_block).map(layer).collect::<Result<_, _>>()?;
        let downsample = (level + 1 < config.block_out_channels.len())
            .then(|| Downsample::load(loader, &format!("{module}.downsamplers.0"), outputs, false));
        Ok(Self { layers, downsample: downsample.transpose()? })
    }

    /// Adds what the way up will see to `skips`.
    pub(super) fn run<'a>(
        &'a self,
        mut x: Value,
        conditions: Conditions,
        skips: &mut Vec<Value>,
        flow: &mut impl Flow<'a>,
    ) -> Result<Value, TchError> {
        for (resnet, transformer) in &self.layers {
            let time = conditions.time.shallow_clone();
            x = flow.run([&x], move |[x], context| resnet.forward(x, Some(&time), context))?;
            if let Some(transformer) = transformer {
                x = transformer.run(&x, conditions, flow)?;
            }
            skips.push(x.share());
        }
        if let Some(downsample) = &self.downsample {
            x = flow.run([&x], |[x], context| downsample.forward(x, context))?;
            skips.push(x.share());
        }
        Ok(x)
    }

    pub(super) fn visit(&mut self, level: usize, visitor: Visitor) {
        let module = block_name(level);
        for (number, (resnet, transformer)) in self.layers.iter_mut().enumerate() {
            resnet.visit(&format!("{module}.resnets.{number}"), visitor);
            if let Some(transformer) = transformer {
                transformer.visit(&format!("{module}.attentions.{number}"), visitor);
            }
        }
        if let Some(downsample) = &mut self.downsample {
            downsample.visit(&format!("{module}.downsamplers.0"), visitor);
        }
    }
}

fn block_name(level: usize) -> String {
    format!("down_blocks.{level}")
}

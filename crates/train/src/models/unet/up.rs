//! A block on the way up (diffusers' `CrossAttnUpBlock2D` and `UpBlock2D`).

use loradeck_data::base_model::stable_diffusion::UnetConfig;
use tch::{TchError, Tensor};

use super::Conditions;
use super::config;
use super::transformer::Transformer;
use crate::models::blocks::{Resnet, Upsample, Visitor};
use crate::models::flow::{Flow, Value};
use crate::models::loader::{LoadError, Loader};

#[derive(Debug)]
pub(super) struct UpBlock {
    /// Residual blocks, each with the transformer that follows it, if any.
    layers: Vec<(Resnet, Option<Transformer>)>,
    upsample: Option<Upsample>,
}

impl UpBlock {
    /// The `number`th block on the way up, 0 the coarsest.
    pub(super) fn load(loader: &Loader, config: &UnetConfig, number: usize) -> Result<Self, LoadError> {
        let module = block_name(number);
        let level = config.block_out_channels.len() - 1 - number;
        let outputs = config.block_out_channels[level];
        let layer = |layer: usize| {
            let shape = config::resnet(config, inputs(config, level, layer), outputs);
            let resnet = Resnet::load(loader, &format!("{module}.resnets.{layer}"), shape)?;
            let transformer = config.up_attention[number].then(|| {
                let shape = config::transformer(config, level);
                Transformer::load(loader, &format!("{module}.attentions.{layer}"), shape)
            });
            Ok((resnet, transformer.transpose()?))
        };
        let layers = (0..=config.layers_per_block).map(layer).collect::<Result<_, _>>()?;
        let upsample =
            (level > 0).then(|| Upsample::load(loader, &format!("{module}.upsamplers.0"), outputs));
        Ok(Self { layers, upsample: upsample.transpose()? })
    }

    /// Takes what the way down left off the end of `skips`.
    pub(super) fn run<'a>(
        &'a self,
        mut x: Value,
        conditions: Conditions,
        skips: &mut Vec<Value>,
        flow: &mut impl Flow<'a>,
    ) -> Result<Value, TchError> {
        for (resnet, transformer) in &self.layers {
            let time = conditions.time.shallow_clone();
            x = match skips.pop() {
                Some(skip) => flow.run([&x, &skip], move |both, context| {
                    resnet.forward(&Tensor::f_cat(&both, 1)?, Some(&time), context)
                })?,
                None => flow.run([&x], move |[x], context| resnet.forward(x, Some(&time), context))?,
            };
            if let Some(transformer) = transformer {
                x = transformer.run(&x, conditions, flow)?;
            }
        }
        match &self.upsample {
            // Odd heights and widths were rounded up on the way down: the size is what the next block will join.
            Some(upsample) => {
                let size = size_of(skips.last())?;
                flow.run([&x], move |[x], context| upsample.forward(x, size, context))
            }
            None => Ok(x),
        }
    }

    pub(super) fn visit(&mut self, number: usize, visitor: Visitor) {
        let module = block_name(number);
        for (layer, (resnet, transformer)) in self.layers.iter_mut().enumerate() {
            resnet.visit(&format!("{module}.resnets.{layer}"), visitor);
            if let Some(transformer) = transformer {
                transformer.visit(&format!("{module}.attentions.{layer}"), visitor);
            }
        }
        if let Some(upsample) = &mut self.upsample {
            upsample.visit(&format!("{module}.upsamplers.0"), visitor);
        }
    }
}

/// Channels that go into residual block `layer` at resolution `level`: those of what comes from below, and those of
/// what the way down left there. The last block joins what the level began with.
fn inputs(config: &UnetConfig, level: usize, layer: usize) -> usize {
    let channels = &config.block_out_channels;
    let coarser = (level + 1).min(channels.len() - 1);
    let below = channels[if layer == 0 { coarser } else { level }];
    let left = channels[if layer == config.layers_per_block { level.saturating_sub(1) } else { level }];
    below + left
}

fn size_of(x: Option<&Value>) -> Result<Option<(i64, i64)>, TchError> {
    x.map(|x| x.tensor().size4().map(|(_, _, height, width)| (height, width))).transpose()
}

fn block_name(number: usize) -> String {
    format!("up_blocks.{number}")
}

//! The block at the coarsest resolution (diffusers' `UNetMidBlock2DCrossAttn`).

use loradeck_data::base_model::stable_diffusion::UnetConfig;
use tch::TchError;

use super::Conditions;
use super::config;
use super::transformer::Transformer;
use crate::models::blocks::{Resnet, Visitor};
use crate::models::flow::{Flow, Value};
use crate::models::loader::{LoadError, Loader};

#[derive(Debug)]
pub(super) struct MidBlock {
    first: Resnet,
    transformer: Transformer,
    second: Resnet,
}

impl MidBlock {
    pub(super) fn load(loader: &Loader, config: &UnetConfig) -> Result<Self, LoadError> {
        let level = config.block_out_channels.len() - 1;
        let channels = config.block_out_channels[level];
        let shape = config::resnet(config, channels, channels);
        let transformer = config::transformer(config, level);
        Ok(Self {
            first: Resnet::load(loader, "mid_block.resnets.0", shape)?,
            transformer: Transformer::load(loader, "mid_block.attentions.0", transformer)?,
            second: Resnet::load(loader, "mid_block.resnets.1", shape)?,
        })
    }

    pub(super) fn run<'a>(
        &'a self,
        x: &Value,
        conditions: Conditions,
        flow: &mut impl Flow<'a>,
    ) -> Result<Value, TchError> {
        let time = conditions.time.shallow_clone();
        let x = flow.run([x], move |[x], context| self.first.forward(x, Some(&time), context))?;
        let x = self.transformer.run(&x, conditions, flow)?;
        let time = conditions.time.shallow_clone();
        flow.run([&x], move |[x], context| self.second.forward(x, Some(&time), context))
    }

    pub(super) fn visit(&mut self, visitor: Visitor) {
        self.first.visit("mid_block.resnets.0", visitor);
        self.transformer.visit("mid_block.attentions.0", visitor);
        self.second.visit("mid_block.resnets.1", visitor);
    }
}

//! The Llama family: embedding, decoder layers, head; forward, loss and gradient of the adapters.

use std::sync::Arc;

use loradeck_data::base_model::{BaseModel, PROJECTIONS};
use tch::{Kind, TchError, Tensor};

use super::head::{Head, Targets};
use super::layer::{Layer, Rows};
use super::layout::Layout;
use super::rope::Rope;
use crate::adapters::linear::LoraLinear;
use crate::models::frozen_weight::FrozenWeight;

/// A loaded Llama model.
#[derive(Debug)]
pub struct Llama {
    pub(super) embedding: FrozenWeight,
    pub(super) layers: Vec<Layer>,
    pub(super) head: Head,
    pub(super) rope: Rope,
    /// Weights may lie in its mapped file.
    pub(super) base: Arc<BaseModel>,
}

fn names_in_layer(index: usize) -> impl Iterator<Item = String> {
    PROJECTIONS.iter().map(move |name| format!("model.layers.{index}.{name}"))
}

/// One micro-batch on the device.
#[derive(Debug)]
pub struct MicroBatch {
    /// Token ids, int64 `[rows]`.
    pub ids: Tensor,
    /// Positions within the sample, int64 `[rows]`.
    pub positions: Tensor,
    /// Where the rows stand.
    pub layout: Layout,
    /// The rows in the loss.
    pub targets: Targets,
}

impl Llama {
    /// The base model this was loaded from.
    pub fn base(&self) -> &BaseModel {
        &self.base
    }

    /// The number format of weights and activations.
    pub fn kind(&self) -> Kind {
        match &self.embedding {
            FrozenWeight::Dense(weight) => weight.kind(),
        }
    }

    /// Every projection that may carry an adapter, by its Hugging Face name, in the order of the layers.
    pub fn projections(&mut self) -> impl Iterator<Item = (String, &mut LoraLinear)> {
        self.layers
            .iter_mut()
            .enumerate()
            .flat_map(|(index, layer)| names_in_layer(index).zip(layer.projections.iter_mut()))
    }

    /// How many positions the model can place.
    pub fn positions(&self) -> usize {
        usize::try_from(self.rope.positions()).unwrap_or(0)
    }

    /// The hidden rows `[rows, hidden]` before the final norm.
    fn hidden(&self, ids: &Tensor, rows: &Rows<'_>) -> Result<Tensor, TchError> {
        let mut x = self.embedding.rows(ids)?;
        for layer in &self.layers {
            x = layer.forward(x, rows)?.0;
        }
        Ok(x)
    }

    fn rows<'a>(&self, positions: &Tensor, layout: &'a Layout) -> Result<Rows<'a>, TchError> {
        Ok(Rows { turns: self.rope.turns(positions)?, layout })
    }

    /// Logits `[rows, vocabulary]` of every row.
    pub fn logits(&self, batch: &MicroBatch) -> Result<Tensor, TchError> {
        let rows = self.rows(&batch.positions, &batch.layout)?;
        self.head.logits(&self.hidden(&batch.ids, &rows)?)
    }

    /// The micro-batch's weighted loss, a fp32 number on the device.
    pub fn loss(&self, batch: &MicroBatch) -> Result<Tensor, TchError> {
        let rows = self.rows(&batch.positions, &batch.layout)?;
        self.head.loss(&self.hidden(&batch.ids, &rows)?, &batch.targets)
    }

    /// The micro-batch's weighted loss; adds the adapters' gradients.
    pub fn loss_and_backward(&self, batch: &MicroBatch) -> Result<Tensor, TchError> {
        let rows = self.rows(&batch.positions, &batch.layout)?;
        let lowest = self.layers.iter().position(Layer::is_trained).unwrap_or(self.layers.len());
        let mut saved = Vec::with_capacity(self.layers.len());
        let mut x = self.embedding.rows(&batch.ids)?;
        for (index, layer) in self.layers.iter().enumerate() {
            let (y, layer_saved) = layer.forward(x, &rows)?;
            if index >= lowest {
                saved.push(layer_saved);
            }
            x = y;
        }
        let (loss, mut dx) = self.head.loss_with_gradient(&x, &batch.targets)?;
        drop(x);
        for (index, layer) in self.layers.iter().enumerate().skip(lowest).rev() {
            let Some(layer_saved) = saved.pop() else { break };
            match layer.backward(dx, &layer_saved, &rows, index > lowest)? {
                Some(below) => dx = below,
                None => break,
            }
        }
        Ok(loss)
    }
}

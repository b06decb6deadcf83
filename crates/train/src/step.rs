//! One optimizer step over one or several micro-batches. Nothing in it reads from the device: metrics go into a small
//! ring there and are read later.

use tch::{Device, Kind, TchError, Tensor};

use crate::adapters::Adapters;
use crate::batch::{HostBatch, InputBuffers};
use crate::models::llama::Llama;
use crate::optimizer::{AdamW, Update};

/// Steps whose metrics the ring holds.
pub const RING: u64 = 64;
const COLUMNS: i64 = 4;

/// The metrics of one step, read back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepMetrics {
    /// The step, from 1.
    pub step: u64,
    /// Mean loss over the step's trained tokens, in nats.
    pub loss: f64,
    /// The gradient's 2-norm before clipping.
    pub gradient_norm: f64,
    /// The learning rate used.
    pub learning_rate: f64,
    /// Whether everything has been finite, this step included.
    pub healthy: bool,
}

/// The buffers of the training step.
#[derive(Debug)]
pub struct Stepper {
    inputs: InputBuffers,
    /// The optimizer.
    pub optimizer: AdamW,
    loss: Tensor,
    ring: Tensor,
    slot: Tensor,
}

impl Stepper {
    /// Buffers for micro-batches of up to `places` places.
    pub fn new(optimizer: AdamW, places: usize, device: Device) -> Result<Self, TchError> {
        Ok(Self {
            inputs: InputBuffers::new(places, device)?,
            optimizer,
            loss: Tensor::f_zeros([] as [i64; 0], (Kind::Float, device))?,
            ring: Tensor::f_zeros([RING as i64, COLUMNS], (Kind::Double, device))?,
            slot: Tensor::f_zeros([1], (Kind::Int64, device))?,
        })
    }

    /// Trains step `step` (from 1) on `batches` with learning rate `rate`.
    pub fn step(
        &mut self,
        model: &Llama,
        adapters: &mut Adapters,
        batches: &[HostBatch],
        step: u64,
        rate: f64,
    ) -> Result<(), TchError> {
        let tokens: usize = batches.iter().map(HostBatch::trained_tokens).sum();
        let factor = 1.0 / tokens.max(1) as f64;
        adapters.zero_gradients()?;
        let _ = self.loss.f_zero_()?;
        for batch in batches {
            let batch = self.inputs.load(batch, factor)?;
            let _ = self.loss.f_add_(&model.loss_and_backward(&batch)?)?;
        }
        self.optimizer.set_rate(rate)?;
        let update = self.optimizer.update(&mut adapters.parameters, &mut adapters.gradients, &self.loss)?;
        self.note(&update, step)
    }

    fn note(&mut self, update: &Update, step: u64) -> Result<(), TchError> {
        let _ = self.slot.f_fill_((step % RING) as i64)?;
        let numbers = [&self.loss, &update.gradient_norm, &update.rate, &update.healthy];
        let row: Vec<Tensor> =
            numbers.iter().map(|number| number.f_totype(Kind::Double)).collect::<Result<_, _>>()?;
        let row = Tensor::f_stack(&row, 0)?.f_unsqueeze(0)?;
        self.ring.f_index_copy_(0, &self.slot, &row).map(drop)
    }

    /// Reads the metrics of the steps `first..=last` (at most [`RING`] of them); waits for the device.
    pub fn read(&self, first: u64, last: u64) -> Result<Vec<StepMetrics>, TchError> {
        let mut numbers = vec![0f64; (RING as i64 * COLUMNS) as usize];
        let host = self.ring.f_to_device_(Device::Cpu, Kind::Double, false, false)?;
        let count = numbers.len();
        host.f_copy_data(&mut numbers, count)?;
        Ok((first..=last)
            .filter_map(|step| {
                let start = (step % RING) as usize * COLUMNS as usize;
                let row = numbers.get(start..start + COLUMNS as usize)?;
                Some(StepMetrics {
                    step,
                    loss: row[0],
                    gradient_norm: row[1],
                    learning_rate: row[2],
                    healthy: row[3] > 0.5,
                })
            })
            .collect())
    }

    /// Mean loss over the trained tokens of `batch`, times their number: for token-weighted means. Waits for the
    /// device.
    pub fn evaluate(&mut self, model: &Llama, batch: &HostBatch) -> Result<f64, TchError> {
        let batch = self.inputs.load(batch, 1.0)?;
        model.loss(&batch)?.f_double_value(&[])
    }
}

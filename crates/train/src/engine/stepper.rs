//! One optimizer step, whatever the task. Nothing in it reads from the device: metrics go into a small ring there and
//! are read later.

use tch::{Device, Kind, TchError, Tensor};

use super::optimizer::{AdamW, Update};
use crate::error::TrainError;
use crate::tasks::Task;

/// Steps whose metrics the ring holds.
pub const RING: u64 = 64;
const COLUMNS: i64 = 6;

/// The metrics of one step, read back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepMetrics {
    /// The step, from 1.
    pub step: u64,
    /// Mean loss over the step's weights.
    pub loss: f64,
    /// The gradient's 2-norm before clipping.
    pub gradient_norm: f64,
    /// The learning rate used.
    pub learning_rate: f64,
    /// Whether everything has been finite, this step included.
    pub healthy: bool,
    /// Whether the step changed nothing, for its gradients overflowed in fp16.
    pub skipped: bool,
    /// What the loss was multiplied by, where it was.
    pub loss_scale: Option<f64>,
}

/// An exponential running average of the parameters.
#[derive(Debug)]
pub struct Average {
    decay: f64,
    /// The average, fp32, in the order of the parameters.
    pub numbers: Tensor,
}

impl Average {
    /// Begins at `parameters`; each step keeps the share `decay` of what was there.
    pub fn new(decay: f64, parameters: &Tensor) -> Result<Self, TchError> {
        let mut numbers = parameters.f_empty_like()?;
        numbers.f_copy_(parameters)?;
        Ok(Self { decay, numbers })
    }

    /// Moves towards `parameters`, unless the step was not `applied`.
    fn follow(&mut self, parameters: &Tensor, applied: &Tensor) -> Result<(), TchError> {
        let weight = applied.f_mul_scalar(1.0 - self.decay)?.f_totype(Kind::Float)?;
        self.numbers.f_lerp_tensor_(parameters, &weight).map(drop)
    }
}

/// The buffers of the training step.
#[derive(Debug)]
pub struct Stepper {
    /// The optimizer.
    pub optimizer: AdamW,
    /// The running average of the parameters, where one is kept.
    pub average: Option<Average>,
    loss: Tensor,
    ring: Tensor,
    slot: Tensor,
}

impl Stepper {
    /// Buffers on `device`.
    pub fn new(optimizer: AdamW, device: Device) -> Result<Self, TchError> {
        Ok(Self {
            optimizer,
            average: None,
            loss: Tensor::f_zeros([] as [i64; 0], (Kind::Float, device))?,
            ring: Tensor::f_zeros([RING as i64, COLUMNS], (Kind::Double, device))?,
            slot: Tensor::f_zeros([1], (Kind::Int64, device))?,
        })
    }

    /// Trains step `step` (from 1) of `task` with learning rate `rate`. Returns the units of work.
    pub fn step(&mut self, task: &mut dyn Task, step: u64, rate: f64) -> Result<usize, TrainError> {
        task.adapters_mut().zero_gradients()?;
        let _ = self.loss.f_zero_()?;
        let units = task.accumulate(step, &mut self.loss)?;
        self.optimizer.set_rate(rate)?;
        let adapters = task.adapters_mut();
        let update = self.optimizer.update(&mut adapters.parameters, &mut adapters.gradients, &self.loss)?;
        task.after_update()?;
        if let Some(average) = &mut self.average {
            average.follow(&task.adapters().parameters, &update.applied)?;
        }
        self.note(&update, step)?;
        Ok(units)
    }

    fn note(&mut self, update: &Update, step: u64) -> Result<(), TchError> {
        let _ = self.slot.f_fill_((step % RING) as i64)?;
        let Update { gradient_norm, healthy, applied, loss_scale, rate } = update;
        let numbers = [&self.loss, gradient_norm, rate, healthy, applied, loss_scale];
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
                    skipped: row[4] < 0.5,
                    loss_scale: self.optimizer.loss_scale.as_ref().map(|_| row[5]),
                })
            })
            .collect())
    }
}

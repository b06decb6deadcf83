//! Which samples each training step sees, as a pure function of seed and step, so that a resumed run goes on exactly
//! where the killed one would have gone; and the padding of samples into one rectangular batch.

use loradeck_core::config::Settings;

use crate::random::{Purpose, Stream};

/// The order of `count` samples in one epoch (counted from 0): a Fisher–Yates shuffle fixed by seed and epoch.
pub fn epoch_order(seed: u64, epoch: u64, count: usize) -> Vec<usize> {
    let mut stream = Stream::new(seed, Purpose::Order, epoch as u32);
    let mut order: Vec<usize> = (0..count).collect();
    for last in (1..count).rev() {
        order.swap(last, stream.below(last + 1));
    }
    order
}

/// How long a training goes on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PlanLength {
    /// So many passes over the samples; a part of a step counts as one.
    Epochs(f64),
    /// So many optimizer steps, however many epochs that takes.
    Steps(u64),
}

/// The order of a whole training.
///
/// Each epoch's order is cut into micro-batches of `batch_size`; the last one of an epoch keeps what is left, so every
/// sample is seen once per epoch. `accumulation` micro-batches make one optimizer step; the last step of an epoch takes
/// the micro-batches that are left and never reaches into the next epoch (as Hugging Face's Trainer does).
#[derive(Clone, Debug, PartialEq)]
pub struct BatchPlan {
    /// The number of samples.
    pub samples: usize,
    /// Samples per micro-batch.
    pub batch_size: usize,
    /// Micro-batches per optimizer step.
    pub accumulation: usize,
    /// Where the training ends.
    pub length: PlanLength,
    /// The seed of the order.
    pub seed: u64,
}

impl BatchPlan {
    /// The order that checked settings ask for.
    pub fn of(settings: &Settings, samples: usize) -> Self {
        let length = settings.max_steps.map_or(PlanLength::Epochs(settings.epochs), PlanLength::Steps);
        let (batch_size, accumulation) =
            (settings.batch_size as usize, settings.gradient_accumulation as usize);
        Self { samples, batch_size, accumulation, length, seed: settings.seed }
    }

    /// Micro-batches in one epoch.
    pub fn batches_per_epoch(&self) -> u64 {
        self.samples.div_ceil(self.batch_size.max(1)) as u64
    }

    /// Optimizer steps in one epoch; 0 without samples.
    pub fn steps_per_epoch(&self) -> u64 {
        self.batches_per_epoch().div_ceil(self.accumulation.max(1) as u64)
    }

    /// Optimizer steps in all; 0 without samples.
    pub fn total_steps(&self) -> u64 {
        match self.length {
            _ if self.samples == 0 => 0,
            PlanLength::Epochs(epochs) => (epochs * self.steps_per_epoch() as f64).ceil() as u64,
            PlanLength::Steps(steps) => steps,
        }
    }

    /// The epoch (from 0) that `step` (from 0) belongs to.
    pub fn epoch_of(&self, step: u64) -> u64 {
        step.checked_div(self.steps_per_epoch()).unwrap_or(0)
    }

    /// Epochs done after `steps` whole steps, as a fraction: the value of `train/epoch`.
    pub fn epochs_after(&self, steps: u64) -> f64 {
        let per_epoch = self.steps_per_epoch();
        if per_epoch == 0 { 0.0 } else { steps as f64 / per_epoch as f64 }
    }

    /// The micro-batches of `step` (from 0), each a list of sample numbers. Pure, and defined beyond the plan's end.
    pub fn step(&self, step: u64) -> Vec<Vec<usize>> {
        let Some(within) = step.checked_rem(self.steps_per_epoch()) else { return Vec::new() };
        let order = epoch_order(self.seed, self.epoch_of(step), self.samples);
        let (batch, accumulation) = (self.batch_size.max(1), self.accumulation.max(1));
        order
            .chunks(batch)
            .skip(within as usize * accumulation)
            .take(accumulation)
            .map(<[usize]>::to_vec)
            .collect()
    }
}

/// The order of evaluation: samples as they stand, in batches of `batch_size`, the last one possibly smaller.
pub fn evaluation_batches(samples: usize, batch_size: usize) -> Vec<Vec<usize>> {
    let all: Vec<usize> = (0..samples).collect();
    all.chunks(batch_size.max(1)).map(<[usize]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plan(samples: usize, batch_size: usize, accumulation: usize) -> BatchPlan {
        BatchPlan { samples, batch_size, accumulation, length: PlanLength::Epochs(2.0), seed: 3 }
    }

    #[test]
    fn the_order_is_pinned() {
        // A change here breaks the promise that a resumed run sees the samples of the run it continues.
        assert_eq!(epoch_order(0, 0, 8), PINNED_0);
        assert_eq!(epoch_order(0, 1, 8), PINNED_1);
        assert_ne!(epoch_order(1, 0, 8), epoch_order(0, 0, 8));
    }

    const PINNED_0: [usize; 8] = [7, 2, 5, 6, 3, 1, 4, 0];
    const PINNED_1: [usize; 8] = [6, 0, 7, 5, 2, 1, 3, 4];

    #[test]
    fn the_last_step_of_an_epoch_keeps_what_is_left() {
        let plan = plan(10, 3, 3);
        assert_eq!((plan.batches_per_epoch(), plan.steps_per_epoch(), plan.total_steps()), (4, 2, 4));
        assert_eq!(plan.step(0).iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 3]);
        assert_eq!(plan.step(1).iter().map(Vec::len).collect::<Vec<_>>(), [1]);
        assert_ne!(plan.step(0), plan.step(2));
        assert_eq!((plan.epoch_of(1), plan.epoch_of(2)), (0, 1));
        assert!((plan.epochs_after(3) - 1.5).abs() < 1e-12);
        let part = BatchPlan { length: PlanLength::Epochs(1.25), ..plan };
        assert_eq!(part.total_steps(), 3);
    }

    #[test]
    fn nothing_to_train_on_means_no_steps() {
        let empty = BatchPlan { length: PlanLength::Steps(5), ..plan(0, 4, 1) };
        assert_eq!((empty.total_steps(), empty.step(0), empty.epoch_of(3)), (0, Vec::new(), 0));
    }

    proptest! {
        #[test]
        fn every_epoch_sees_every_sample_once(n in 1usize..60, b in 1usize..9, a in 1usize..5, epoch in 0u64..4) {
            let plan = plan(n, b, a);
            let per_epoch = plan.steps_per_epoch();
            let mut seen: Vec<usize> =
                (0..per_epoch).flat_map(|step| plan.step(epoch * per_epoch + step)).flatten().collect();
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..n).collect::<Vec<_>>());
        }
    }
}

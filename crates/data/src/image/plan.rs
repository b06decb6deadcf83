//! Which pictures each training step sees, as a pure function of seed and step: a resumed run goes on exactly where the
//! killed one would have gone, buckets included.

use std::collections::BTreeMap;

use crate::order::PlanLength;
use crate::random::{Purpose, Stream};

use super::buckets::Bucket;

/// One look at one picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Draw {
    /// The picture's number in the data set.
    pub sample: usize,
    /// The epoch, from 0.
    pub epoch: u64,
    /// A number of this look that no other of the epoch has, from 0; the same in every epoch.
    pub occurrence: u32,
}

/// Pictures of one size that go through the model together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MicroBatch {
    /// Their size.
    pub bucket: Bucket,
    /// The pictures.
    pub draws: Vec<Draw>,
}

/// What a plan needs to know of a picture: its size, and how often an epoch sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanSample {
    /// The bucket.
    pub bucket: Bucket,
    /// Looks per epoch; 0 leaves the picture out.
    pub repeats: u32,
}

/// How a training is cut into steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlanRequest {
    /// Pictures per micro-batch.
    pub batch_size: usize,
    /// Micro-batches per optimizer step.
    pub gradient_accumulation: usize,
    /// Where the training ends.
    pub length: PlanLength,
    /// The seed of the order.
    pub seed: u64,
}

/// The order of a whole training.
///
/// Each epoch shuffles the looks (picture × repeats) within each bucket, cuts them into micro-batches of `batch_size`
/// (a bucket's last one keeps what is left), and mixes the micro-batches of all buckets. `gradient_accumulation`
/// micro-batches make one optimizer step; an epoch's last step takes those that are left.
#[derive(Clone, Debug, PartialEq)]
pub struct ImagePlan {
    looks: BTreeMap<Bucket, Vec<(usize, u32)>>,
    request: PlanRequest,
}

impl ImagePlan {
    /// The order of these pictures. Their repeats must sum up to at most `u32::MAX`, which reading a data set holds.
    pub fn new(samples: impl IntoIterator<Item = PlanSample>, request: PlanRequest) -> Self {
        let mut looks: BTreeMap<Bucket, Vec<(usize, u32)>> = BTreeMap::new();
        let mut occurrence = 0u32;
        for (sample, PlanSample { bucket, repeats }) in samples.into_iter().enumerate() {
            for _ in 0..repeats {
                looks.entry(bucket).or_default().push((sample, occurrence));
                occurrence = occurrence.wrapping_add(1);
            }
        }
        Self { looks, request }
    }

    /// How the training is cut.
    pub fn request(&self) -> PlanRequest {
        self.request
    }

    /// Looks at pictures in one epoch: the sum of all repeats.
    pub fn looks_per_epoch(&self) -> u64 {
        self.looks.values().map(|looks| looks.len() as u64).sum()
    }

    /// Each bucket in use with its looks and micro-batches per epoch.
    pub fn per_bucket(&self) -> Vec<(Bucket, u64, u64)> {
        let batches = |looks: usize| looks.div_ceil(self.batch_size()) as u64;
        self.looks.iter().map(|(bucket, looks)| (*bucket, looks.len() as u64, batches(looks.len()))).collect()
    }

    /// Micro-batches in one epoch.
    pub fn batches_per_epoch(&self) -> u64 {
        self.per_bucket().iter().map(|(_, _, batches)| batches).sum()
    }

    /// Optimizer steps in one epoch; 0 without pictures.
    pub fn steps_per_epoch(&self) -> u64 {
        self.batches_per_epoch().div_ceil(self.accumulation() as u64)
    }

    /// Optimizer steps in all; 0 without pictures.
    pub fn total_steps(&self) -> u64 {
        match self.request.length {
            _ if self.looks.is_empty() => 0,
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

    /// The micro-batches of `epoch` (from 0) in order. [`Self::step`] is made of these; who takes many steps may keep
    /// the epoch and take `gradient_accumulation` at a time.
    pub fn epoch(&self, epoch: u64) -> Vec<MicroBatch> {
        // The stream's number has 32 bits: an epoch beyond repeats an earlier order.
        let mut stream = Stream::new(self.request.seed, Purpose::PictureOrder, epoch as u32);
        let mut batches = Vec::new();
        for (bucket, looks) in &self.looks {
            let mut looks = looks.clone();
            shuffle(&mut stream, &mut looks);
            batches.extend(looks.chunks(self.batch_size()).map(|chunk| {
                let draw = |(sample, occurrence): &(usize, u32)| Draw {
                    sample: *sample,
                    epoch,
                    occurrence: *occurrence,
                };
                MicroBatch { bucket: *bucket, draws: chunk.iter().map(draw).collect() }
            }));
        }
        shuffle(&mut stream, &mut batches);
        batches
    }

    /// The micro-batches of `step` (from 0). Pure, and defined beyond the plan's end.
    pub fn step(&self, step: u64) -> Vec<MicroBatch> {
        let Some(within) = step.checked_rem(self.steps_per_epoch()) else { return Vec::new() };
        let accumulation = self.accumulation();
        let batches = self.epoch(self.epoch_of(step));
        batches.into_iter().skip(within as usize * accumulation).take(accumulation).collect()
    }

    fn batch_size(&self) -> usize {
        self.request.batch_size.max(1)
    }

    fn accumulation(&self) -> usize {
        self.request.gradient_accumulation.max(1)
    }
}

/// A Fisher–Yates shuffle.
pub(super) fn shuffle<T>(stream: &mut Stream, things: &mut [T]) {
    for last in (1..things.len()).rev() {
        things.swap(last, stream.below(last + 1));
    }
}

/// Repeats of regularisation pictures, given how often each one's folder says and how many looks the training pictures
/// have in an epoch: in turn, each as often as its folder says, then each once more, until there are as many looks
/// (as kohya-ss/sd-scripts does). Those beyond get 0.
pub fn regularisation_repeats(says: &[u32], looks: u64) -> Vec<u32> {
    let mut repeats = vec![0u32; says.len()];
    let mut left = looks;
    for (repeats, says) in repeats.iter_mut().zip(says) {
        *repeats = u64::from(*says).min(left) as u32;
        left -= u64::from(*repeats);
    }
    let count = says.len() as u64;
    if left > 0 && count > 0 {
        for (index, repeats) in repeats.iter_mut().enumerate() {
            let more = left / count + u64::from((index as u64) < left % count);
            *repeats = repeats.saturating_add(more as u32);
        }
    }
    repeats
}

/// The order of held-out pictures: as they stand, bucket by bucket, each once; `epoch` and `occurrence` are fixed.
pub fn evaluation_batches(buckets: &[Bucket], batch_size: usize) -> Vec<MicroBatch> {
    let mut per_bucket: BTreeMap<Bucket, Vec<Draw>> = BTreeMap::new();
    for (sample, bucket) in buckets.iter().enumerate() {
        let draw = Draw { sample, epoch: 0, occurrence: sample as u32 };
        per_bucket.entry(*bucket).or_default().push(draw);
    }
    let cut = |(bucket, draws): (&Bucket, &Vec<Draw>)| {
        let bucket = *bucket;
        draws
            .chunks(batch_size.max(1))
            .map(move |draws| MicroBatch { bucket, draws: draws.to_vec() })
            .collect::<Vec<_>>()
    };
    per_bucket.iter().flat_map(cut).collect()
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;

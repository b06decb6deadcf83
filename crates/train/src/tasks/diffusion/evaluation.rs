//! Held-out loss: the same noise at the same levels for the same picture in every training, so that runs compare.

use loradeck_data::image::{ImageSample, MicroBatch, View};
use loradeck_data::random::{Purpose, Stream};
use tch::{Device, Kind, TchError, Tensor};

use super::conditioning::Conditioning;
use super::latents::LatentCache;
use super::loss;
use super::noise::{normal, stack};
use crate::adapters::autograd::Context;
use crate::error::TrainError;
use crate::models::unet::Unet;
use crate::tasks::Interrupted;
use crate::tasks::diffusion::scheduler::NoiseSchedule;
use loradeck_core::config::LossType;

/// Noise levels at which every held-out picture is measured, as shares of all levels.
pub(super) const LEVELS: [f64; 4] = [0.125, 0.375, 0.625, 0.875];

/// What a held-out loss is computed with.
#[derive(Debug)]
pub(super) struct Evaluation<'a> {
    pub(super) unet: &'a Unet,
    pub(super) conditioning: &'a Conditioning,
    pub(super) latents: &'a mut LatentCache,
    pub(super) schedule: &'a NoiseSchedule,
    pub(super) scaling_factor: f64,
    pub(super) device: Device,
    pub(super) kind: Kind,
}

impl Evaluation<'_> {
    /// The mean squared error over all pictures and levels, unweighted: `None` where `interrupted` said to leave off.
    /// Pictures are cropped in the centre and not mirrored, captions are whole, latents are the distribution's mean.
    pub(super) fn loss(
        &mut self,
        samples: &[ImageSample],
        batches: &[MicroBatch],
        interrupted: Interrupted<'_>,
    ) -> Result<Option<f64>, TrainError> {
        let mut sum = 0.0;
        let mut count = 0;
        for batch in batches {
            let chosen: Vec<&ImageSample> =
                batch.draws.iter().filter_map(|draw| samples.get(draw.sample)).collect();
            let captions: Vec<String> = chosen.iter().map(|sample| sample.caption.clone()).collect();
            let states = self.conditioning.states(&captions, &Context::default())?;
            let clean = self.clean(&chosen)?;
            for (number, share) in LEVELS.iter().enumerate() {
                if interrupted() {
                    return Ok(None);
                }
                sum += self.loss_at(&chosen, &clean, &states, number, *share)?;
                count += chosen.len();
            }
        }
        Ok((count > 0).then(|| sum / count as f64))
    }

    fn clean(&mut self, samples: &[&ImageSample]) -> Result<Tensor, TrainError> {
        let mut all = Vec::with_capacity(samples.len());
        for sample in samples {
            let look = self.latents.look(sample, View::centre(&sample.fit()))?;
            all.push(look.mean.f_mul_scalar(self.scaling_factor)?);
        }
        Ok(Tensor::f_stack(&all, 0)?)
    }

    /// The sum of the pictures' losses at one level.
    fn loss_at(
        &self,
        samples: &[&ImageSample],
        clean: &Tensor,
        states: &Tensor,
        number: usize,
        share: f64,
    ) -> Result<f64, TrainError> {
        let size = clean.size();
        let noises: Vec<Tensor> =
            samples.iter().map(|sample| noise_of(sample, number, &size[1..])).collect::<Result<_, _>>()?;
        let noise = stack(&noises, self.device)?;
        let levels = self.schedule.config().num_train_timesteps as f64;
        let level = (levels * share) as i64;
        let timesteps = Tensor::f_full([size[0]], level, (Kind::Int64, self.device))?;
        let noisy = self.schedule.add_noise(clean, &noise, &timesteps)?.f_to_kind(self.kind)?;
        let prediction = self.unet.forward(&noisy, &timesteps, states, &Context::default())?;
        let target = self.schedule.target(clean, &noise, &timesteps)?;
        let each = loss::of_pictures(LossType::L2, &prediction, &target, None)?;
        Ok(each.f_sum(Kind::Double)?.f_double_value(&[])?)
    }
}

/// The noise `[channels, height, width]` of a picture at the `level`th level.
pub(super) fn noise_of(sample: &ImageSample, level: usize, size: &[i64]) -> Result<Tensor, TchError> {
    normal(&mut Stream::part(0, Purpose::Evaluation, number_of(sample), level as u32), size)
}

/// The picture's own number: the same in every data set that holds it.
fn number_of(sample: &ImageSample) -> u32 {
    sample.digest.get(..8).and_then(|digits| u32::from_str_radix(digits, 16).ok()).unwrap_or(0)
}

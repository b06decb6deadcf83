//! One micro-batch of pictures: from draws to the loss, with gradients by autograd.

use loradeck_core::config::ImageSettings;
use loradeck_data::base_model::stable_diffusion::PredictionType;
use tch::{Device, Kind, TchError, Tensor};

use super::loss;
use super::noise::{NoiseKey, stack};
use crate::adapters::autograd::Context;
use crate::models::flow::{Flow, Value};
use crate::models::unet::Unet;
use crate::tasks::diffusion::scheduler::NoiseSchedule;

/// What the network is trained on, on the device.
#[derive(Debug)]
pub struct Denoising {
    /// Scaled latents without noise, fp32 `[pictures, channels, height, width]`.
    pub latents: Tensor,
    /// The noise, likewise.
    pub noise: Tensor,
    /// Latents with noise, likewise.
    pub noisy: Tensor,
    /// Noise levels, int64 `[pictures]`.
    pub timesteps: Tensor,
    /// Masks `[pictures, 1, height, width]`, where any picture has one.
    pub mask: Option<Tensor>,
    /// Weights of the pictures' losses, fp32 `[pictures]`, without the weight by noise level.
    pub weights: Tensor,
}

/// A picture of a micro-batch before its noise.
#[derive(Debug)]
pub struct Clean {
    /// Scaled latents, fp32 `[channels, height, width]`, on the device.
    pub latents: Tensor,
    /// The mask of the loss `[1, height, width]`.
    pub mask: Option<Tensor>,
    /// The weight of its loss.
    pub weight: f64,
    /// What its noise follows from.
    pub key: NoiseKey,
}

impl Denoising {
    /// Draws noise and noise levels for the pictures and mixes them.
    pub fn draw(
        pictures: &[Clean],
        schedule: &NoiseSchedule,
        settings: &ImageSettings,
        device: Device,
    ) -> Result<Self, TchError> {
        let levels = schedule.config().num_train_timesteps;
        let timesteps: Vec<i64> = pictures.iter().map(|picture| picture.key.timestep(levels)).collect();
        let timesteps = Tensor::f_from_slice(&timesteps)?.f_to_device_(device, Kind::Int64, false, false)?;
        let noises: Vec<Tensor> = pictures
            .iter()
            .map(|picture| picture.key.noise(size3(&picture.latents), settings))
            .collect::<Result<_, _>>()?;
        let noise = stack(&noises, device)?;
        let latents: Vec<&Tensor> = pictures.iter().map(|picture| &picture.latents).collect();
        let latents = Tensor::f_stack(&latents, 0)?;
        let mut mixed = noise.shallow_clone();
        if settings.ip_noise_gamma > 0.0 {
            let extra: Vec<Tensor> = pictures
                .iter()
                .map(|picture| picture.key.perturbation(size3(&picture.latents)))
                .collect::<Result<_, _>>()?;
            mixed = noise.f_add(&stack(&extra, device)?.f_mul_scalar(settings.ip_noise_gamma)?)?;
        }
        let noisy = schedule.add_noise(&latents, &mixed, &timesteps)?;
        let weights: Vec<f32> = pictures.iter().map(|picture| picture.weight as f32).collect();
        let weights = Tensor::f_from_slice(&weights)?.f_to_device_(device, Kind::Float, false, false)?;
        Ok(Self { latents, noise, noisy, timesteps, mask: masks(pictures)?, weights })
    }

    /// The network's prediction, block by block through `flow`.
    pub fn predict_through<'a>(
        &self,
        unet: &'a Unet,
        states: &Value,
        kind: Kind,
        flow: &mut impl Flow<'a>,
    ) -> Result<Value, TchError> {
        unet.run(&self.noisy.f_to_kind(kind)?, &self.timesteps, states, flow)
    }

    /// The network's prediction, in the number format `kind`.
    pub fn predict(
        &self,
        unet: &Unet,
        states: &Tensor,
        kind: Kind,
        context: &Context<'_>,
    ) -> Result<Tensor, TchError> {
        unet.forward(&self.noisy.f_to_kind(kind)?, &self.timesteps, states, context)
    }

    /// The sum of the pictures' weighted losses, an fp32 number.
    pub fn loss(
        &self,
        prediction: &Tensor,
        schedule: &NoiseSchedule,
        settings: &ImageSettings,
    ) -> Result<Tensor, TchError> {
        let target = schedule.target(&self.latents, &self.noise, &self.timesteps)?;
        let each = loss::of_pictures(settings.loss_type, prediction, &target, self.mask.as_ref())?;
        let mut each = each.f_mul(&self.weights)?;
        let predicts: PredictionType = schedule.config().prediction_type;
        if let Some(weights) = loss::weights(settings, predicts, &schedule.snr_at(&self.timesteps)?)? {
            each = each.f_mul(&weights)?;
        }
        each.f_sum(Kind::Float)
    }
}

fn size3(latents: &Tensor) -> [i64; 3] {
    let size = latents.size();
    [size[0], size[1], size[2]]
}

/// The masks of all pictures; pictures without one count in full.
fn masks(pictures: &[Clean]) -> Result<Option<Tensor>, TchError> {
    if pictures.iter().all(|picture| picture.mask.is_none()) {
        return Ok(None);
    }
    let each: Vec<Tensor> = pictures
        .iter()
        .map(|picture| match &picture.mask {
            Some(mask) => Ok(mask.shallow_clone()),
            None => picture.latents.f_narrow(0, 0, 1)?.f_ones_like(),
        })
        .collect::<Result<_, TchError>>()?;
    Tensor::f_stack(&each, 0).map(Some)
}

//! Pictures from prompts: noise, the denoising network with guidance, the decoder.

use loradeck_core::config::SampleScheduler;
use loradeck_data::random::{Purpose, Stream};
use tch::{Device, Kind, TchError, Tensor};

use super::conditioning::Conditioning;
use super::noise::normal;
use crate::adapters::autograd::Context;
use crate::error::TrainError;
use crate::models::unet::Unet;
use crate::models::vae::Vae;
use crate::tasks::Interrupted;
use crate::tasks::diffusion::scheduler::{NoiseSchedule, SamplerKind};

/// Everything that decides what a picture looks like, besides the weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The prompt.
    pub prompt: String,
    /// What the picture should not show.
    pub negative_prompt: String,
    /// The seed of the noise.
    pub seed: u64,
    /// The sampler.
    pub scheduler: SampleScheduler,
    /// Its steps.
    pub steps: u32,
    /// Guidance scale; 1 is none.
    pub guidance: f64,
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
}

/// The parts of a model that make pictures.
#[derive(Clone, Copy, Debug)]
pub struct Generator<'a> {
    /// The denoising network.
    pub unet: &'a Unet,
    /// The text encoder.
    pub conditioning: &'a Conditioning,
    /// The autoencoder, in fp32.
    pub vae: &'a Vae,
    /// The noise levels.
    pub schedule: &'a NoiseSchedule,
    /// What latents are multiplied by before the network sees them.
    pub scaling_factor: f64,
    /// Pixels of a latent's side.
    pub pixels_per_latent: u32,
    /// Channels of a latent.
    pub channels: i64,
    /// Where tensors live.
    pub device: Device,
    /// The network's number format.
    pub kind: Kind,
}

/// A picture's bytes: red, green and blue of each pixel, row by row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generated {
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
    /// `3 · width · height` bytes.
    pub rgb: Vec<u8>,
}

/// The samplers by the words of the settings.
pub fn sampler_kind(scheduler: SampleScheduler) -> SamplerKind {
    match scheduler {
        SampleScheduler::Ddim => SamplerKind::Ddim,
        SampleScheduler::Euler => SamplerKind::Euler,
        SampleScheduler::EulerA => SamplerKind::EulerA,
        SampleScheduler::DpmPp2M => SamplerKind::DpmPp2M,
    }
}

impl Generator<'_> {
    /// The picture that `request` describes; `None` where `interrupted`, asked before every step, said to leave off.
    /// A picture depends on nothing but the request and the weights.
    pub fn generate(
        &self,
        request: &Request,
        context: &Context<'_>,
        interrupted: Interrupted<'_>,
    ) -> Result<Option<Generated>, TrainError> {
        let states = self.states(request, context)?;
        let (rows, columns) = (self.latents(request.height), self.latents(request.width));
        let mut stream = Stream::new(request.seed, Purpose::Sampling, 0);
        let device = self.device;
        let mut sampler = sampler_kind(request.scheduler).start(self.schedule, request.steps as usize)?;
        let mut x = normal(&mut stream, &[1, self.channels, rows, columns])?
            .f_to(device)?
            .f_mul_scalar(sampler.initial_scale())?;
        let mut failed = None;
        for index in 0..sampler.timesteps().len() {
            if interrupted() {
                return Ok(None);
            }
            let timestep = sampler.timesteps()[index];
            let output =
                self.predict(&sampler.scale_input(&x, index)?, timestep, &states, request, context)?;
            let mut draw = |size: &[i64]| match normal(&mut stream, size).and_then(|noise| noise.f_to(device))
            {
                Ok(noise) => noise,
                Err(error) => {
                    failed = Some(error);
                    Tensor::new()
                }
            };
            let next = sampler.step(&x, &output, index, &mut draw);
            if let Some(error) = failed.take() {
                return Err(error.into());
            }
            x = next?;
        }
        refuse_not_finite(&x, request, "the denoising network or the text encoder")?;
        let picture = self.vae.decode(&x.f_div_scalar(self.scaling_factor)?)?;
        refuse_not_finite(&picture, request, "the autoencoder's decoder")?;
        Ok(Some(bytes(&picture, request)?))
    }

    fn latents(&self, pixels: u32) -> i64 {
        i64::from((pixels / self.pixels_per_latent.max(1)).max(1))
    }

    /// The states of negative prompt and prompt, or of the prompt alone where there is no guidance.
    fn states(&self, request: &Request, context: &Context<'_>) -> Result<Tensor, TrainError> {
        let prompt = request.prompt.clone();
        if is_guided(request) {
            return self.conditioning.states(&[request.negative_prompt.clone(), prompt], context);
        }
        self.conditioning.states(&[prompt], context)
    }

    /// The network's output, fp32: `negative + guidance · (positive − negative)` (Ho and Salimans, "Classifier-free
    /// diffusion guidance", 2022).
    fn predict(
        &self,
        x: &Tensor,
        timestep: f64,
        states: &Tensor,
        request: &Request,
        context: &Context<'_>,
    ) -> Result<Tensor, TchError> {
        let copies = states.size()[0];
        let x = x.f_to_kind(self.kind)?.f_repeat([copies, 1, 1, 1])?;
        let timesteps = Tensor::f_full([copies], timestep, (Kind::Float, self.device))?;
        let output = self.unet.forward(&x, &timesteps, states, context)?.f_to_kind(Kind::Float)?;
        if copies == 1 {
            return Ok(output);
        }
        let (negative, positive) = (output.f_narrow(0, 0, 1)?, output.f_narrow(0, 1, 1)?);
        negative.f_add(&positive.f_sub(&negative)?.f_mul_scalar(request.guidance)?)
    }
}

/// Numbers that are not finite would become black pixels without a word.
fn refuse_not_finite(numbers: &Tensor, request: &Request, stage: &'static str) -> Result<(), TrainError> {
    if numbers.f_isfinite()?.f_all()?.f_int64_value(&[])? != 0 {
        return Ok(());
    }
    Err(TrainError::Picture { prompt: request.prompt.clone(), seed: request.seed, stage })
}

fn is_guided(request: &Request) -> bool {
    (request.guidance - 1.0).abs() > f64::EPSILON
}

/// From `[1, 3, height, width]`, −1 to 1, to bytes.
fn bytes(picture: &Tensor, request: &Request) -> Result<Generated, TchError> {
    let picture = picture.f_squeeze_dim(0)?.f_permute([1, 2, 0])?.f_clamp(-1.0, 1.0)?;
    let picture = picture.f_add_scalar(1.0)?.f_mul_scalar(127.5)?.f_round()?;
    let size = picture.size();
    let picture = picture.f_to_device_(Device::Cpu, Kind::Uint8, false, false)?.f_contiguous()?;
    let mut rgb = vec![0u8; picture.numel()];
    let count = rgb.len();
    picture.f_copy_data(&mut rgb, count)?;
    let side = |index: usize, wanted: u32| size.get(index).map_or(wanted, |side| *side as u32);
    Ok(Generated { width: side(1, request.width), height: side(0, request.height), rgb })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_are_not_finite_make_no_picture() {
        let request = Request {
            prompt: "a tree".into(),
            negative_prompt: String::new(),
            seed: 7,
            scheduler: SampleScheduler::Ddim,
            steps: 1,
            guidance: 1.0,
            width: 8,
            height: 8,
        };
        let of = |values: &[f32]| refuse_not_finite(&Tensor::from_slice(values), &request, "the decoder");
        assert!(of(&[0.0, -1e30]).is_ok());
        for bad in [f32::NAN, f32::INFINITY] {
            let told = of(&[0.0, bad]).unwrap_err().to_string();
            assert!(told.contains("'a tree' (seed 7)") && told.contains("the decoder"), "{told}");
        }
    }
}

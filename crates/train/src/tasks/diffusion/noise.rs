//! The random numbers of a diffusion training. All are functions of the seed, the step and the picture's place in it, so
//! that a resumed training draws what the interrupted one would have drawn, on every device.

use loradeck_core::config::ImageSettings;
use loradeck_data::random::{Purpose, Stream};
use tch::{Device, Kind, TchError, Tensor};

/// Scales below this width or height end the noise on several scales.
const SMALLEST_SCALE: i64 = 1;

/// What is drawn for one picture of one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoiseKey {
    /// The training's seed.
    pub seed: u64,
    /// The step, from 1.
    pub step: u64,
    /// The picture's place among all pictures of the step.
    pub place: u32,
}

impl NoiseKey {
    /// The stream of this picture for `purpose`. The stream's number has 32 bits: a step beyond repeats an earlier one.
    fn stream(self, purpose: Purpose) -> Stream {
        Stream::part(self.seed, purpose, self.step as u32, self.place)
    }

    /// The noise level, evenly from `0..levels`.
    pub fn timestep(self, levels: usize) -> i64 {
        self.stream(Purpose::Timestep).below(levels) as i64
    }

    /// Standard normal numbers `[channels, height, width]` for the draw from the latents' distribution.
    pub fn posterior(self, size: [i64; 3]) -> Result<Tensor, TchError> {
        normal(&mut self.stream(Purpose::Posterior), &size)
    }

    /// The noise `[channels, height, width]`, with the offset and the further scales that the settings ask for.
    pub fn noise(self, size: [i64; 3], settings: &ImageSettings) -> Result<Tensor, TchError> {
        let mut noise = normal(&mut self.stream(Purpose::Noise), &size)?;
        if settings.noise_offset > 0.0 {
            let offset = normal(&mut self.stream(Purpose::NoiseOffset), &[size[0], 1, 1])?;
            noise = noise.f_add(&offset.f_mul_scalar(settings.noise_offset)?)?;
        }
        if settings.multires_noise_iterations > 0 {
            let mut stream = self.stream(Purpose::NoiseScales);
            noise = on_several_scales(
                noise,
                &mut stream,
                settings.multires_noise_iterations,
                settings.multires_noise_discount,
            )?;
        }
        Ok(noise)
    }

    /// What is added to the noise of the input alone (input perturbation, Ning et al., 2023).
    pub fn perturbation(self, size: [i64; 3]) -> Result<Tensor, TchError> {
        normal(&mut self.stream(Purpose::Perturbation), &size)
    }
}

/// Standard normal numbers on the CPU, fp32.
pub(super) fn normal(stream: &mut Stream, size: &[i64]) -> Result<Tensor, TchError> {
    let count = size.iter().product::<i64>() as usize;
    Tensor::f_from_slice(&stream.normal(count, 0.0, 1.0))?.f_view(size)
}

/// Adds noise of ever coarser scales, each drawn small and enlarged, and brings the sum back to a deviation of 1
/// (Whitaker, "Multi-resolution noise for diffusion model training", 2023).
fn on_several_scales(
    mut noise: Tensor,
    stream: &mut Stream,
    iterations: u32,
    discount: f64,
) -> Result<Tensor, TchError> {
    let size = noise.size();
    let (channels, height, width) = (size[0], size[1], size[2]);
    for iteration in 0..iterations {
        let shrink = (f64::from(stream.unit()) * 2.0 + 2.0).powi(iteration as i32);
        let smaller = |side: i64| ((side as f64 / shrink) as i64).max(SMALLEST_SCALE);
        let (rows, columns) = (smaller(height), smaller(width));
        let coarse = normal(stream, &[1, channels, rows, columns])?;
        let fine = coarse.f_upsample_bilinear2d([height, width], false, None, None)?.f_squeeze_dim(0)?;
        noise = noise.f_add(&fine.f_mul_scalar(discount.powi(iteration as i32))?)?;
        if rows == SMALLEST_SCALE || columns == SMALLEST_SCALE {
            break;
        }
    }
    noise.f_div(&noise.f_std(true)?)
}

/// Puts tensors of single pictures together on `device`, `[pictures, …]`, fp32.
pub(super) fn stack(parts: &[Tensor], device: Device) -> Result<Tensor, TchError> {
    Tensor::f_stack(parts, 0)?.f_to_device_(device, Kind::Float, false, false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::diffusion::testing::image_settings;

    const KEY: NoiseKey = NoiseKey { seed: 3, step: 7, place: 1 };

    fn spread(tensor: &Tensor) -> f64 {
        tensor.std(true).double_value(&[])
    }

    #[test]
    fn a_picture_of_a_step_always_has_the_same_noise_and_others_have_another() {
        let settings = image_settings("noise_offset: 0.1\nmultires_noise_iterations: 6");
        let noise = |key: NoiseKey| key.noise([4, 16, 16], &settings).unwrap();
        assert_eq!(noise(KEY), noise(KEY));
        let others = [NoiseKey { seed: 4, ..KEY }, NoiseKey { step: 8, ..KEY }, NoiseKey { place: 2, ..KEY }];
        assert!(others.iter().all(|key| noise(*key) != noise(KEY)));
        assert!((spread(&noise(KEY)) - 1.0).abs() < 1e-5);
    }

    #[test]
    fn levels_are_even_and_offsets_move_whole_channels() {
        let levels: Vec<i64> = (0..4000).map(|place| NoiseKey { place, ..KEY }.timestep(1000)).collect();
        assert!(levels.iter().all(|level| (0..1000).contains(level)));
        let low = levels.iter().filter(|level| **level < 250).count();
        assert!((900..1100).contains(&low), "{low}");
        let (plain, moved) = (image_settings(""), image_settings("noise_offset: 0.5"));
        let difference = KEY.noise([4, 8, 8], &moved).unwrap() - KEY.noise([4, 8, 8], &plain).unwrap();
        for channel in 0..4 {
            assert!(spread(&difference.select(0, channel)) < 1e-6);
        }
        assert!(spread(&difference) > 0.01);
    }
}

//! From what the network predicts to the latents that it believes to lie under the noise.

use loradeck_data::base_model::stable_diffusion::PredictionType;
use tch::{TchError, Tensor};

/// A mixture `signal · latents + noise · ε`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mixture {
    pub(super) signal: f64,
    pub(super) noise: f64,
}

impl Mixture {
    /// The mixture of level ᾱ, whose parts' squares sum to 1.
    pub(super) fn of_alpha(alpha: f64) -> Self {
        Self { signal: alpha.sqrt(), noise: (1.0 - alpha).sqrt() }
    }

    /// The mixture whose ratio noise : signal is σ and whose parts' squares sum to 1.
    pub(super) fn of_sigma(sigma: f64) -> Self {
        let signal = 1.0 / (sigma * sigma + 1.0).sqrt();
        Self { signal, noise: sigma * signal }
    }

    /// The latents under `x`, which is this mixture, by the network's output.
    pub(super) fn clean(
        self,
        x: &Tensor,
        output: &Tensor,
        prediction: PredictionType,
    ) -> Result<Tensor, TchError> {
        match prediction {
            PredictionType::Epsilon => weighted(x, 1.0 / self.signal, output, -self.noise / self.signal),
            PredictionType::VPrediction => weighted(x, self.signal, output, -self.noise),
        }
    }

    /// The noise in `x`, which is this mixture, by the network's output.
    pub(super) fn noise_in(
        self,
        x: &Tensor,
        output: &Tensor,
        prediction: PredictionType,
    ) -> Result<Tensor, TchError> {
        match prediction {
            PredictionType::Epsilon => Ok(output.shallow_clone()),
            PredictionType::VPrediction => weighted(output, self.signal, x, self.noise),
        }
    }
}

/// `a · x + b · y`.
pub(super) fn weighted(x: &Tensor, a: f64, y: &Tensor, b: f64) -> Result<Tensor, TchError> {
    x.f_mul_scalar(a)?.f_add(&y.f_mul_scalar(b)?)
}

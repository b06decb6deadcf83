//! Dynamic loss scaling for a backward pass in fp16: the loss is multiplied by a number so large that small gradients
//! do not become zero, and so small that large ones do not overflow (Micikevicius et al., "Mixed precision training",
//! 2018). The rule is that of `torch.amp.GradScaler` with its default numbers. All of it stays on the device.

use serde::{Deserialize, Serialize};
use tch::{Device, Kind, TchError, Tensor};

/// The first scale.
const FIRST: f64 = 65_536.0;
/// What the scale is multiplied by after an overflow.
const BACKOFF: f64 = 0.5;
/// What it is multiplied by after [`GROWTH_INTERVAL`] steps without one.
const GROWTH: f64 = 2.0;
const GROWTH_INTERVAL: u64 = 2000;
/// A gradient that overflows at this scale is not the scale's fault.
const LEAST: f64 = 1.0;

/// The scale as a checkpoint keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScaleState {
    /// What the loss is multiplied by.
    pub scale: f64,
    /// Steps since the scale last changed.
    pub good_steps: u64,
    /// Steps left out so far, for their gradients were not finite.
    pub skipped_steps: u64,
}

/// The scale and its history: fp64 numbers on the device.
#[derive(Debug)]
pub struct LossScale {
    scale: Tensor,
    good_steps: Tensor,
    skipped_steps: Tensor,
}

/// What a step's gradients say: fp64 numbers on the device, each 0 or 1.
#[derive(Debug)]
pub struct Verdict {
    /// Whether the step counts.
    pub applied: Tensor,
    /// Whether the training cannot go on: the loss itself is not finite, or a smaller scale would not help.
    pub lost: Tensor,
}

impl LossScale {
    /// The first scale.
    pub fn new(device: Device) -> Result<Self, TchError> {
        let number = |value: f64| Tensor::f_full([] as [i64; 0], value, (Kind::Double, device));
        Ok(Self { scale: number(FIRST)?, good_steps: number(0.0)?, skipped_steps: number(0.0)? })
    }

    /// Goes on from `state`.
    pub fn restore(&mut self, state: ScaleState) -> Result<(), TchError> {
        let _ = self.scale.f_fill_(state.scale)?;
        let _ = self.good_steps.f_fill_(state.good_steps as f64)?;
        self.skipped_steps.f_fill_(state.skipped_steps as f64).map(drop)
    }

    /// The state; waits for the device.
    pub fn state(&self) -> Result<ScaleState, TchError> {
        let number = |tensor: &Tensor| tensor.f_double_value(&[]);
        Ok(ScaleState {
            scale: number(&self.scale)?,
            good_steps: number(&self.good_steps)? as u64,
            skipped_steps: number(&self.skipped_steps)? as u64,
        })
    }

    /// A handle on the number that losses are multiplied by before the backward pass; it follows the scale.
    pub fn factor(&self) -> Tensor {
        self.scale.shallow_clone()
    }

    /// Divides the scale out of `gradients`: exact, for it is a power of two.
    pub fn unscale(&self, gradients: &mut Tensor) -> Result<(), TchError> {
        gradients.f_mul_(&self.scale.f_reciprocal()?).map(drop)
    }

    /// Judges a step whose unscaled gradients and whose loss are finite or not (0 or 1), and moves the scale: halved
    /// where the gradients are not finite, doubled after enough steps in a row where they are.
    pub fn judge(&mut self, gradients: &Tensor, loss: &Tensor) -> Result<Verdict, TchError> {
        let (gradients, loss) = (gradients.f_to_kind(Kind::Double)?, loss.f_to_kind(Kind::Double)?);
        let applied = gradients.f_mul(&loss)?;
        let overflowed = inverse(&gradients)?;
        let is_least = self.scale.f_le(LEAST)?.f_to_kind(Kind::Double)?;
        let lost = inverse(&inverse(&overflowed.f_mul(&is_least)?)?.f_mul(&loss)?)?;
        let good = self.good_steps.f_add_scalar(1.0)?.f_mul(&gradients)?;
        let grows = good.f_ge(GROWTH_INTERVAL as f64)?.f_to_kind(Kind::Double)?;
        let change = grows.f_mul_scalar(GROWTH - 1.0)?.f_add(&overflowed.f_mul_scalar(BACKOFF - 1.0)?)?;
        let _ = self.scale.f_mul_(&change.f_add_scalar(1.0)?)?;
        self.good_steps.f_copy_(&good.f_mul(&inverse(&grows)?)?)?;
        let _ = self.skipped_steps.f_add_(&inverse(&applied)?)?;
        Ok(Verdict { applied, lost })
    }
}

/// 1 for 0 and 0 for 1.
fn inverse(number: &Tensor) -> Result<Tensor, TchError> {
    number.f_neg()?.f_add_scalar(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scale() -> LossScale {
        LossScale::new(Device::Cpu).unwrap()
    }

    /// `(applied, lost)` of a step.
    fn judge(scale: &mut LossScale, gradients: bool, loss: bool) -> (f64, f64) {
        let Verdict { applied, lost } = scale.judge(&Tensor::from(gradients), &Tensor::from(loss)).unwrap();
        (applied.double_value(&[]), lost.double_value(&[]))
    }

    fn state(scale: f64, good_steps: u64, skipped_steps: u64) -> ScaleState {
        ScaleState { scale, good_steps, skipped_steps }
    }

    #[test]
    fn an_overflow_halves_the_scale_and_leaves_the_step_out() {
        let mut scale = scale();
        let factor = scale.factor();
        assert_eq!(judge(&mut scale, true, true), (1.0, 0.0));
        assert_eq!(judge(&mut scale, false, true), (0.0, 0.0));
        assert_eq!(scale.state().unwrap(), state(32_768.0, 0, 1));
        assert_eq!(judge(&mut scale, true, true), (1.0, 0.0));
        assert_eq!(scale.state().unwrap(), state(32_768.0, 1, 1));
        assert!((factor.double_value(&[]) - 32_768.0).abs() < f64::EPSILON, "the handle follows");
    }

    #[test]
    fn the_scale_grows_after_2000_steps_in_a_row() {
        let mut scale = scale();
        scale.restore(state(8.0, 1998, 3)).unwrap();
        judge(&mut scale, true, true);
        assert_eq!(scale.state().unwrap(), state(8.0, 1999, 3));
        judge(&mut scale, true, true);
        assert_eq!(scale.state().unwrap(), state(16.0, 0, 3));
        scale.restore(state(8.0, 1999, 3)).unwrap();
        judge(&mut scale, false, true);
        assert_eq!(scale.state().unwrap(), state(4.0, 0, 4));
    }

    #[test]
    fn what_no_scale_helps_against_ends_the_training() {
        let mut scale = scale();
        assert_eq!(judge(&mut scale, true, false), (0.0, 1.0));
        assert_eq!(judge(&mut scale, false, false), (0.0, 1.0));
        scale.restore(state(1.0, 5, 16)).unwrap();
        assert_eq!(judge(&mut scale, true, true), (1.0, 0.0));
        assert_eq!(judge(&mut scale, false, true), (0.0, 1.0));
    }

    #[test]
    fn unscaling_is_exact() {
        let scale = scale();
        let numbers = [1.0f32, -3.25e-4, 7.0e3];
        let mut gradients = Tensor::from_slice(&numbers) * scale.factor();
        scale.unscale(&mut gradients).unwrap();
        assert_eq!(Vec::<f32>::try_from(gradients).unwrap(), numbers);
    }
}

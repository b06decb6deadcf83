//! `AdamW` over one flat buffer, with global-norm clipping and a health gate, all as tensor operations on the device:
//! nothing is read back, and after a step that was not finite nothing is changed any more.

use tch::{Device, Kind, TchError, Tensor};

const BETA_1: f64 = 0.9;
const BETA_2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// The optimizer's constants of one run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Constants {
    /// Decoupled weight decay.
    pub weight_decay: f64,
    /// The gradient is scaled down to this 2-norm; 0 leaves it.
    pub max_grad_norm: f64,
}

/// The optimizer's state on the device.
#[derive(Debug)]
pub struct AdamW {
    constants: Constants,
    /// First moments, fp32.
    pub first: Tensor,
    /// Second moments, fp32.
    pub second: Tensor,
    /// Updates done, a fp64 number.
    count: Tensor,
    /// 1 while every loss and gradient has been finite, else 0, a fp64 number.
    healthy: Tensor,
    /// The learning rate of the coming update, a fp64 number.
    rate: Tensor,
}

/// What an update gives, numbers on the device.
#[derive(Debug)]
pub struct Update {
    /// The gradient's 2-norm before clipping.
    pub gradient_norm: Tensor,
    /// 1 while healthy, this step included; fp64.
    pub healthy: Tensor,
    /// The learning rate used; fp64.
    pub rate: Tensor,
}

impl AdamW {
    /// Fresh state for `numbers` parameters.
    pub fn new(numbers: u64, constants: Constants, device: Device) -> Result<Self, TchError> {
        let flat = || Tensor::f_zeros([numbers as i64], (Kind::Float, device));
        let number = |value: f64| Tensor::f_full([] as [i64; 0], value, (Kind::Double, device));
        Ok(Self {
            constants,
            first: flat()?,
            second: flat()?,
            count: number(0.0)?,
            healthy: number(1.0)?,
            rate: number(0.0)?,
        })
    }

    /// Says that `steps` updates lie behind the moments just loaded.
    pub fn set_count(&mut self, steps: u64) -> Result<(), TchError> {
        self.count.f_fill_(steps as f64).map(drop)
    }

    /// Sets the learning rate of the coming update.
    pub fn set_rate(&mut self, rate: f64) -> Result<(), TchError> {
        self.rate.f_fill_(rate).map(drop)
    }

    /// One update of `parameters` by `gradients` (used up); `loss` takes part in the health check only.
    pub fn update(
        &mut self,
        parameters: &mut Tensor,
        gradients: &mut Tensor,
        loss: &Tensor,
    ) -> Result<Update, TchError> {
        let norm = gradients.f_norm()?;
        let finite = norm.f_isfinite()?.f_logical_and(&loss.f_isfinite()?)?;
        let _ = self.healthy.f_mul_(&finite.f_totype(Kind::Double)?)?;
        let _ = self.count.f_add_(&self.healthy)?;
        self.clip(gradients, &norm)?;
        self.apply(parameters, gradients)?;
        Ok(Update {
            gradient_norm: norm,
            healthy: self.healthy.shallow_clone(),
            rate: self.rate.shallow_clone(),
        })
    }

    /// Clips as torch's `clip_grad_norm_`, and clears the gradient where the step is not healthy.
    fn clip(&self, gradients: &mut Tensor, norm: &Tensor) -> Result<(), TchError> {
        if self.constants.max_grad_norm > 0.0 {
            let factor =
                norm.f_add_scalar(1e-6)?.f_reciprocal()?.f_mul_scalar_(self.constants.max_grad_norm)?;
            let _ = gradients.f_mul_(&factor.f_clamp_max(1.0)?)?;
        }
        let sick = self.healthy.f_eq(0.0)?;
        gradients.f_masked_fill_(&sick, 0.0).map(drop)
    }

    /// torch's `AdamW`. Where the step is not healthy every factor below is the one that changes nothing.
    fn apply(&mut self, parameters: &mut Tensor, gradients: &Tensor) -> Result<(), TchError> {
        let weight = self.healthy.f_mul_scalar(1.0 - BETA_1)?.f_totype(Kind::Float)?;
        let _ = self.first.f_lerp_tensor_(gradients, &weight)?;
        let keep = self.healthy.f_mul_scalar(BETA_2 - 1.0)?.f_add_scalar_(1.0)?;
        let square = gradients.f_mul(gradients)?.f_mul_scalar_(1.0 - BETA_2)?;
        let _ = self.second.f_mul_(&keep)?.f_add_(&square)?;
        let rate = self.rate.f_mul(&self.healthy)?;
        if self.constants.weight_decay > 0.0 {
            let decay = rate.f_mul_scalar(-self.constants.weight_decay)?.f_add_scalar_(1.0)?;
            let _ = parameters.f_mul_(&decay)?;
        }
        let size = rate.f_div(&self.correction(BETA_1)?)?;
        let mut denominator = self.second.f_sqrt()?;
        let denominator = denominator.f_div_(&self.correction(BETA_2)?.f_sqrt()?)?.f_add_scalar_(EPSILON)?;
        let change = self.first.f_div(&denominator)?.f_mul_(&size)?;
        parameters.f_sub_(&change).map(drop)
    }

    /// `1 − betaⁿ` after n updates; 1 where there has been none, so that a gated first step divides by no zero.
    fn correction(&self, beta: f64) -> Result<Tensor, TchError> {
        let power = self.count.f_clamp_min(1.0)?.f_mul_scalar(beta.ln())?;
        power.f_expm1()?.f_neg()
    }
}

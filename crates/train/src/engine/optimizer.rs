//! `AdamW` over one flat buffer, with global-norm clipping and a health gate, all as tensor operations on the device:
//! nothing is read back, and after a step that was not finite nothing is changed any more.

use tch::{Device, Kind, TchError, Tensor};

use super::loss_scale::{LossScale, Verdict};

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
    /// For each parameter the factor of its rate, fp32; none: 1 for all.
    rate_factors: Option<Tensor>,
    /// The scale of the loss that gradients come with, where the backward pass is in fp16.
    pub loss_scale: Option<LossScale>,
}

/// What an update gives, numbers on the device.
#[derive(Debug)]
pub struct Update {
    /// The gradient's 2-norm before clipping; fp64.
    pub gradient_norm: Tensor,
    /// 1 while healthy, this step included; fp64.
    pub healthy: Tensor,
    /// 1 where the step changed the parameters, 0 where it was left out; fp64.
    pub applied: Tensor,
    /// What the loss was multiplied by, 1 without a scale; fp64.
    pub loss_scale: Tensor,
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
            rate_factors: None,
            loss_scale: None,
        })
    }

    /// Gives parts of the parameters rates of their own: `(start, count, factor)`; the rest keeps the factor 1.
    pub fn set_rate_factors(&mut self, parts: &[(i64, i64, f64)]) -> Result<(), TchError> {
        if parts.iter().all(|(.., factor)| (*factor - 1.0).abs() < f64::EPSILON) {
            return Ok(());
        }
        let factors = self.first.f_ones_like()?;
        for (start, count, factor) in parts {
            let _ = factors.f_narrow(0, *start, *count)?.f_fill_(*factor)?;
        }
        self.rate_factors = Some(factors);
        Ok(())
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
        let mut loss_scale = self.rate.f_ones_like()?;
        if let Some(scale) = &self.loss_scale {
            scale.unscale(gradients)?;
            loss_scale.f_copy_(&scale.factor())?;
        }
        // In double: a single's sum over millions of squares is off in the fifth digit.
        let norm = gradients.f_norm_scalaropt_dtype(2, Kind::Double)?;
        let applied = self.judge(&norm, loss)?;
        let _ = self.count.f_add_(&applied)?;
        self.clip(gradients, &norm, &applied)?;
        self.apply(parameters, gradients, &applied)?;
        Ok(Update {
            gradient_norm: norm,
            healthy: self.healthy.shallow_clone(),
            applied,
            loss_scale,
            rate: self.rate.shallow_clone(),
        })
    }

    /// Whether the step counts, 1 or 0: it does while everything is finite. With a scaled loss, steps whose gradients
    /// overflow are left out one by one, and the training stays healthy.
    fn judge(&mut self, norm: &Tensor, loss: &Tensor) -> Result<Tensor, TchError> {
        let (gradients, loss) = (norm.f_isfinite()?, loss.f_isfinite()?);
        let Some(scale) = &mut self.loss_scale else {
            let finite = gradients.f_logical_and(&loss)?;
            let _ = self.healthy.f_mul_(&finite.f_totype(Kind::Double)?)?;
            return Ok(self.healthy.shallow_clone());
        };
        let Verdict { applied, lost } = scale.judge(&gradients, &loss)?;
        let _ = self.healthy.f_mul_(&lost.f_neg()?.f_add_scalar_(1.0)?)?;
        self.healthy.f_mul(&applied)
    }

    /// Clips as torch's `clip_grad_norm_`, and clears the gradient where the step does not count.
    fn clip(&self, gradients: &mut Tensor, norm: &Tensor, applied: &Tensor) -> Result<(), TchError> {
        if self.constants.max_grad_norm > 0.0 {
            let factor =
                norm.f_add_scalar(1e-6)?.f_reciprocal()?.f_mul_scalar_(self.constants.max_grad_norm)?;
            let _ = gradients.f_mul_(&factor.f_clamp_max(1.0)?)?;
        }
        gradients.f_masked_fill_(&applied.f_eq(0.0)?, 0.0).map(drop)
    }

    /// torch's `AdamW`. Where the step does not count every factor below is the one that changes nothing.
    fn apply(
        &mut self,
        parameters: &mut Tensor,
        gradients: &Tensor,
        applied: &Tensor,
    ) -> Result<(), TchError> {
        let weight = applied.f_mul_scalar(1.0 - BETA_1)?.f_totype(Kind::Float)?;
        let _ = self.first.f_lerp_tensor_(gradients, &weight)?;
        let keep = applied.f_mul_scalar(BETA_2 - 1.0)?.f_add_scalar_(1.0)?;
        let square = gradients.f_mul(gradients)?.f_mul_scalar_(1.0 - BETA_2)?;
        let _ = self.second.f_mul_(&keep)?.f_add_(&square)?;
        let rate = self.rate.f_mul(applied)?;
        if self.constants.weight_decay > 0.0 {
            let each =
                self.rate_factors.as_ref().map_or_else(|| Ok(rate.shallow_clone()), |f| f.f_mul(&rate))?;
            let decay = each.f_mul_scalar(-self.constants.weight_decay)?.f_add_scalar_(1.0)?;
            let _ = parameters.f_mul_(&decay)?;
        }
        let size = rate.f_div(&self.correction(BETA_1)?)?;
        let mut denominator = self.second.f_sqrt()?;
        let denominator = denominator.f_div_(&self.correction(BETA_2)?.f_sqrt()?)?.f_add_scalar_(EPSILON)?;
        let mut change = self.first.f_div(&denominator)?.f_mul_(&size)?;
        if let Some(factors) = &self.rate_factors {
            let _ = change.f_mul_(factors)?;
        }
        parameters.f_sub_(&change).map(drop)
    }

    /// `1 − betaⁿ` after n updates; 1 where there has been none, so that a gated first step divides by no zero.
    fn correction(&self, beta: f64) -> Result<Tensor, TchError> {
        let power = self.count.f_clamp_min(1.0)?.f_mul_scalar(beta.ln())?;
        power.f_expm1()?.f_neg()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::loss_scale::ScaleState;

    fn numbers(tensor: &Tensor) -> Vec<f64> {
        let wide = tensor.to_kind(Kind::Double);
        (0..wide.numel() as i64).map(|index| wide.double_value(&[index])).collect()
    }

    /// torch.optim.AdamW written out for one number.
    fn by_hand(gradients: &[f64], rate: f64, decay: f64, mut parameter: f64) -> f64 {
        let (mut first, mut second) = (0.0, 0.0);
        for (index, gradient) in gradients.iter().enumerate() {
            let t = index as i32 + 1;
            parameter *= 1.0 - rate * decay;
            first = 0.9 * first + 0.1 * gradient;
            second = 0.999 * second + 0.001 * gradient * gradient;
            let unbiased = (first / (1.0 - 0.9f64.powi(t)), second / (1.0 - 0.999f64.powi(t)));
            parameter -= rate * unbiased.0 / (unbiased.1.sqrt() + 1e-8);
        }
        parameter
    }

    #[test]
    fn updates_agree_with_the_formula_written_out() {
        let constants = Constants { weight_decay: 0.1, max_grad_norm: 0.0 };
        let mut optimizer = AdamW::new(2, constants, Device::Cpu).unwrap();
        let mut parameters = Tensor::from_slice(&[1f32, -2.0]);
        let loss = Tensor::from(1f32);
        let course = [[0.5f32, -3.0], [-0.25, 0.001], [0.125, 7.0]];
        for gradient in course {
            optimizer.set_rate(0.01).unwrap();
            let mut gradient = Tensor::from_slice(&gradient);
            optimizer.update(&mut parameters, &mut gradient, &loss).unwrap();
        }
        for (index, start) in [1.0, -2.0].into_iter().enumerate() {
            let gradients: Vec<f64> = course.iter().map(|gradient| f64::from(gradient[index])).collect();
            let expected = by_hand(&gradients, 0.01, 0.1, start);
            assert!((numbers(&parameters)[index] - expected).abs() < 1e-6, "{index}");
        }
    }

    #[test]
    fn a_long_gradient_is_clipped_and_a_short_one_left() {
        let constants = Constants { weight_decay: 0.0, max_grad_norm: 1.0 };
        for (gradient, clipped) in [([3f32, 4.0], [0.6, 0.8]), ([0.3, 0.4], [0.3, 0.4])] {
            let mut optimizer = AdamW::new(2, constants, Device::Cpu).unwrap();
            let mut gradient = Tensor::from_slice(&gradient);
            let mut parameters = Tensor::from_slice(&[0f32, 0.0]);
            optimizer.update(&mut parameters, &mut gradient, &Tensor::from(1f32)).unwrap();
            let off = numbers(&gradient).iter().zip(clipped).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(off < 1e-6, "{off}");
        }
    }

    #[test]
    fn a_scaled_loss_gives_the_same_bits_and_an_overflow_changes_nothing() {
        let constants = Constants { weight_decay: 0.1, max_grad_norm: 1.0 };
        let plain = |course: &[f32]| run(AdamW::new(1, constants, Device::Cpu).unwrap(), course);
        let mut scaled = AdamW::new(1, constants, Device::Cpu).unwrap();
        scaled.loss_scale = Some(LossScale::new(Device::Cpu).unwrap());
        // Gradients times 65536, and after an overflow times 32768.
        let course = [3.0 * 65_536.0, f32::INFINITY, f32::NAN, -0.5 * 16_384.0];
        let (numbers, healthy, state) = run(scaled, &course);
        assert_eq!((numbers, healthy), (plain(&[3.0, -0.5]).0, 1.0));
        let state = state.unwrap();
        assert_eq!((state.scale, state.good_steps, state.skipped_steps), (16_384.0, 1, 2));
    }

    /// Parameter and moments, health, and the scale's state after updates by these gradients.
    fn run(mut optimizer: AdamW, course: &[f32]) -> ([f64; 3], f64, Option<ScaleState>) {
        let mut parameters = Tensor::from_slice(&[1f32]);
        let mut healthy = 1.0;
        for gradient in course {
            optimizer.set_rate(0.1).unwrap();
            let mut gradient = Tensor::from_slice(&[*gradient]);
            let update = optimizer.update(&mut parameters, &mut gradient, &Tensor::from(1f32)).unwrap();
            healthy = update.healthy.double_value(&[]);
        }
        let state = optimizer.loss_scale.as_ref().map(|scale| scale.state().unwrap());
        ([&parameters, &optimizer.first, &optimizer.second].map(|part| numbers(part)[0]), healthy, state)
    }

    #[test]
    fn after_a_step_that_is_not_finite_nothing_changes_any_more() {
        let constants = Constants { weight_decay: 0.1, max_grad_norm: 1.0 };
        let mut optimizer = AdamW::new(1, constants, Device::Cpu).unwrap();
        let mut parameters = Tensor::from_slice(&[1f32]);
        let mut step = |gradient: f32, loss: f32| {
            optimizer.set_rate(0.1).unwrap();
            let mut gradient = Tensor::from_slice(&[gradient]);
            let update = optimizer.update(&mut parameters, &mut gradient, &Tensor::from(loss)).unwrap();
            (numbers(&parameters)[0], numbers(&optimizer.second)[0], update.healthy.double_value(&[]))
        };
        let before = step(1.0, 1.0);
        for (gradient, loss) in [(1.0, f32::NAN), (f32::INFINITY, 1.0), (1.0, 1.0)] {
            assert_eq!(step(gradient, loss), (before.0, before.1, 0.0));
        }
    }
}

//! The noise schedule that a checkpoint file keeps among its tensors, held against the one that is used: a model that
//! was trained on another one would be trained wrongly without a word.

use super::{BetaSchedule, SchedulerConfig};
use crate::base_model::{WeightData, WeightView};
use crate::safetensors::SafetensorsFile;

/// How far a stored value may lie off: half precision of a number up to 1.
const TOLERANCE: f64 = 2e-3;

impl SchedulerConfig {
    /// ᾱ of every noise level, first level first: the product of 1 − β up to it (Ho et al., 2020).
    pub fn alphas_cumprod(&self) -> Vec<f64> {
        let last = self.num_train_timesteps.saturating_sub(1).max(1) as f64;
        let along = |start: f64, end: f64, step: usize| start + (end - start) * step as f64 / last;
        let beta = |step: usize| match self.beta_schedule {
            BetaSchedule::Linear => along(self.beta_start, self.beta_end, step),
            BetaSchedule::ScaledLinear => along(self.beta_start.sqrt(), self.beta_end.sqrt(), step).powi(2),
        };
        let mut product = 1.0;
        (0..self.num_train_timesteps)
            .map(|step| {
                product *= 1.0 - beta(step);
                product
            })
            .collect()
    }
}

/// Refuses a file whose schedule is another one.
pub(super) fn check(file: &SafetensorsFile, scheduler: &SchedulerConfig) -> Result<(), String> {
    if file.entries().contains_key("ztsnr") {
        return Err(
            "it was trained on a noise schedule of zero final signal ('ztsnr'), which is not supported"
                .into(),
        );
    }
    if let Some(factor) = values(file, "scale_factor").and_then(|values| values.first().copied())
        && (factor - 0.18215).abs() > TOLERANCE
    {
        return Err(format!("its 'scale_factor' is {factor}; Stable Diffusion's is 0.18215"));
    }
    let Some(stored) = values(file, "alphas_cumprod") else { return Ok(()) };
    let expected = scheduler.alphas_cumprod();
    let close = |(one, other): (&f64, &f64)| (one - other).abs() <= TOLERANCE;
    if stored.len() == expected.len() && stored.iter().zip(&expected).all(close) {
        return Ok(());
    }
    Err("its noise schedule ('alphas_cumprod') is not Stable Diffusion's, which is not supported".into())
}

/// The numbers of a tensor of one of the float types.
fn values(file: &SafetensorsFile, name: &str) -> Option<Vec<f64>> {
    let entry = file.entries().get(name)?;
    let view = WeightView {
        dtype: SafetensorsFile::data_type(entry)?,
        shape: entry.shape.clone(),
        data: WeightData::Stored(file.bytes(entry)),
    };
    Some(view.to_f32().iter().map(|value| f64::from(*value)).collect())
}

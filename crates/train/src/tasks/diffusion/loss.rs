//! The loss between what the network predicts and what it should: forms, weights by noise level, masks.

use loradeck_core::config::{ImageSettings, LossType};
use loradeck_data::base_model::stable_diffusion::PredictionType;
use tch::{Kind, TchError, Tensor};

/// δ of the Huber losses: where they turn from squares to straight lines (sd-scripts' default `huber_c`).
const HUBER_DELTA: f64 = 0.1;
/// Signal-to-noise ratios above this count as this in the debiased weighting (sd-scripts).
const LARGEST_SNR: f64 = 1000.0;

/// The loss of each picture, fp32 `[pictures]`: the mean over its latents' numbers. `prediction` and `target` are
/// `[pictures, channels, height, width]`; `mask`, from 0 to 1, is `[pictures, 1, height, width]`.
pub fn of_pictures(
    form: LossType,
    prediction: &Tensor,
    target: &Tensor,
    mask: Option<&Tensor>,
) -> Result<Tensor, TchError> {
    let difference = prediction.f_to_kind(Kind::Float)?.f_sub(&target.f_to_kind(Kind::Float)?)?;
    let mut each = of_numbers(form, &difference)?;
    if let Some(mask) = mask {
        each = each.f_mul(mask)?;
    }
    each.f_flatten(1, -1)?.f_mean_dim(1, false, Kind::Float)
}

fn of_numbers(form: LossType, difference: &Tensor) -> Result<Tensor, TchError> {
    // √(d² + δ²) − δ
    let smooth = || {
        difference.f_square()?.f_add_scalar(HUBER_DELTA * HUBER_DELTA)?.f_sqrt()?.f_sub_scalar(HUBER_DELTA)
    };
    match form {
        LossType::L2 => difference.f_square(),
        LossType::L1 => difference.f_abs(),
        LossType::Huber => smooth()?.f_mul_scalar(2.0 * HUBER_DELTA),
        LossType::SmoothL1 => smooth()?.f_mul_scalar(2.0),
    }
}

/// The weight of each picture's loss by its signal-to-noise ratio `snr`, fp32 `[pictures]`; `None` where all weigh the
/// same.
///
/// Min-SNR: `min(snr, γ) / snr`, for predicted velocities `min(snr, γ) / (snr + 1)` (Hang et al., "Efficient diffusion
/// training via min-SNR weighting", 2023). Debiased: `1 / √snr` (Yu et al., 2023).
pub fn weights(
    settings: &ImageSettings,
    predicts: PredictionType,
    snr: &Tensor,
) -> Result<Option<Tensor>, TchError> {
    if let Some(gamma) = settings.min_snr_gamma {
        let most = snr.f_clamp_max(gamma)?;
        let divisor = match predicts {
            PredictionType::Epsilon => snr.shallow_clone(),
            PredictionType::VPrediction => snr.f_add_scalar(1.0)?,
        };
        return most.f_div(&divisor).map(Some);
    }
    if settings.debiased_estimation {
        return snr.f_clamp_max(LARGEST_SNR)?.f_rsqrt().map(Some);
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::diffusion::testing::image_settings;

    fn numbers(tensor: &Tensor) -> Vec<f64> {
        Vec::<f64>::try_from(tensor.to_kind(Kind::Double).contiguous().view(-1)).unwrap()
    }

    fn near(found: &[f64], expected: &[f64]) {
        let off = found.iter().zip(expected).any(|(found, expected)| (found - expected).abs() > 1e-6);
        assert!(!off && found.len() == expected.len(), "{found:?} {expected:?}");
    }

    #[test]
    fn every_form_is_its_formula_and_masks_take_numbers_out() {
        let prediction = Tensor::from_slice(&[1f32, 3.0, 0.0, 0.5]).view([2, 1, 1, 2]);
        let target = Tensor::from_slice(&[0f32, 1.0, 0.0, 0.0]).view([2, 1, 1, 2]);
        let of = |form| numbers(&of_pictures(form, &prediction, &target, None).unwrap());
        near(&of(LossType::L2), &[2.5, 0.125]);
        near(&of(LossType::L1), &[1.5, 0.25]);
        let smooth = |d: f64| (d * d + 0.01).sqrt() - 0.1;
        near(&of(LossType::SmoothL1), &[smooth(1.0) + smooth(2.0), smooth(0.5)]);
        near(&of(LossType::Huber), &[0.1 * (smooth(1.0) + smooth(2.0)), 0.1 * smooth(0.5)]);
        let mask = Tensor::from_slice(&[1f32, 0.0, 0.5, 0.5]).view([2, 1, 1, 2]);
        let masked = of_pictures(LossType::L2, &prediction, &target, Some(&mask)).unwrap();
        near(&numbers(&masked), &[0.5, 0.0625]);
    }

    #[test]
    fn weights_follow_the_noise_level() {
        let snr = Tensor::from_slice(&[0.01f32, 5.0, 100.0]);
        let of = |text: &str, predicts| {
            weights(&image_settings(text), predicts, &snr).unwrap().map(|weights| numbers(&weights))
        };
        near(&of("min_snr_gamma: 5", PredictionType::Epsilon).unwrap(), &[1.0, 1.0, 0.05]);
        let velocity = of("min_snr_gamma: 5", PredictionType::VPrediction).unwrap();
        near(&velocity, &[0.01 / 1.01, 5.0 / 6.0, 5.0 / 101.0]);
        near(
            &of("debiased_estimation: true", PredictionType::Epsilon).unwrap(),
            &[10.0, 1.0 / 5f64.sqrt(), 0.1],
        );
        assert_eq!(of("", PredictionType::Epsilon), None);
    }
}

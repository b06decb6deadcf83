//! `scheduler/scheduler_config.json`. The noise schedule and what the UNet predicts are the model's and are read or
//! refused; which sampler the folder proposes, and how that one spaces its steps, is a choice that our settings make.

use serde_json::{Value, json};

use super::{BetaSchedule, PredictionType, SchedulerConfig};
use crate::base_model::BaseModelError;
use crate::base_model::keys::Keys;

/// Settings of single samplers, which say nothing of the model.
const SAMPLER: [&str; 29] = [
    "algorithm_type",
    "clip_sample_range",
    "dynamic_thresholding_ratio",
    "euler_at_final",
    "final_sigmas_type",
    "flow_shift",
    "interpolation_type",
    "lambda_min_clipped",
    "lower_order_final",
    "noise_sampler_seed",
    "sample_max_value",
    "sigma_max",
    "sigma_min",
    "skip_prk_steps",
    "solver_order",
    "solver_p",
    "solver_type",
    "time_shift_type",
    "timestep_type",
    "use_beta_sigmas",
    "use_dynamic_shifting",
    "use_exponential_sigmas",
    "use_karras_sigmas",
    "use_lu_lambdas",
    "variance_type",
    "predict_x0",
    "disable_corrector",
    "beta_sigmas",
    "original_inference_steps",
];

pub(super) fn read(mut keys: Keys<'_>) -> Result<SchedulerConfig, BaseModelError> {
    let class = keys.text_or("_class_name", "PNDMScheduler")?;
    if class.starts_with("FlowMatch") || class.starts_with("LCM") || class.starts_with("EDM") {
        return Err(
            keys.refused(format!("scheduler '{class}' is of another kind of model and not supported"))
        );
    }
    refuse_other_schedules(&mut keys, class)?;
    let schedules = [("linear", BetaSchedule::Linear), ("scaled_linear", BetaSchedule::ScaledLinear)];
    let predictions = [("epsilon", PredictionType::Epsilon), ("v_prediction", PredictionType::VPrediction)];
    let config = SchedulerConfig {
        num_train_timesteps: keys.size_or("num_train_timesteps", 1000)?,
        beta_start: keys.positive_or("beta_start", 0.0001)?,
        beta_end: keys.positive_or("beta_end", 0.02)?,
        beta_schedule: keys.choice_or("beta_schedule", &schedules, BetaSchedule::Linear)?,
        prediction_type: keys.choice_or("prediction_type", &predictions, PredictionType::Epsilon)?,
        steps_offset: keys.count_or("steps_offset", 0)?,
        // DDIM's default differs from that of the others that have the key.
        set_alpha_to_one: keys.bool_or("set_alpha_to_one", class == "DDIMScheduler")?,
    };
    if config.beta_end >= 1.0 || config.beta_start > config.beta_end || config.num_train_timesteps > 1_000_000
    {
        return Err(keys.refused(format!(
            "a noise schedule from beta_start {} to beta_end {} over {} steps is not possible",
            config.beta_start, config.beta_end, config.num_train_timesteps
        )));
    }
    keys.harmless(&SAMPLER);
    keys.finish()?;
    Ok(config)
}

fn refuse_other_schedules(keys: &mut Keys<'_>, class: &str) -> Result<(), BaseModelError> {
    keys.only("trained_betas", &[Value::Null])?;
    keys.only("rescale_betas_zero_snr", &[json!(false)])?;
    keys.only("thresholding", &[json!(false)])?;
    keys.only("use_flow_sigmas", &[Value::Null, json!(false)])?;
    keys.only("timestep_spacing", &[json!("leading"), json!("linspace")])?;
    // Absent, it means true for these two.
    let clips = matches!(class, "DDIMScheduler" | "DDPMScheduler");
    if keys.bool_or("clip_sample", clips)? {
        return Err(keys.refused(format!(
            "'clip_sample' is true (or absent, which means true for {class}): latents are never clipped here; \
             write \"clip_sample\": false as Stable Diffusion's own files do"
        )));
    }
    Ok(())
}

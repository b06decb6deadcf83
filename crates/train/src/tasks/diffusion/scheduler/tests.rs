use loradeck_data::base_model::stable_diffusion::{BetaSchedule, PredictionType, SchedulerConfig};
use tch::{Kind, Tensor};

use super::*;
use crate::models::testing::{apart, random};

fn config() -> SchedulerConfig {
    SchedulerConfig {
        num_train_timesteps: 1000,
        beta_start: 0.00085,
        beta_end: 0.012,
        beta_schedule: BetaSchedule::ScaledLinear,
        prediction_type: PredictionType::Epsilon,
        steps_offset: 1,
        set_alpha_to_one: true,
    }
}

fn schedule(prediction_type: PredictionType) -> NoiseSchedule {
    NoiseSchedule::new(&SchedulerConfig { prediction_type, ..config() }).unwrap()
}

const SIZE: [i64; 4] = [2, 3, 4, 5];
const PREDICTIONS: [PredictionType; 2] = [PredictionType::Epsilon, PredictionType::VPrediction];

/// The best prediction where all pictures are normally distributed around `mean` with standard deviation `spread`: a
/// linear function of the network's input.
struct Gaussian<'a> {
    schedule: &'a NoiseSchedule,
    mean: Tensor,
    spread: f64,
}

impl Gaussian<'_> {
    /// The network's output for `x = √ᾱ · clean + √(1 − ᾱ) · noise`.
    fn predict(&self, x: &Tensor, timestep: f64) -> Tensor {
        let alpha = self.schedule.alphas()[timestep as usize];
        let (signal, noise) = (alpha.sqrt(), (1.0 - alpha).sqrt());
        let variance = alpha * self.spread.powi(2) + 1.0 - alpha;
        let clean = &self.mean + (x - &self.mean * signal) * (signal * self.spread.powi(2) / variance);
        let guess = (x - &clean * signal) / noise;
        match self.schedule.config().prediction_type {
            PredictionType::Epsilon => guess,
            PredictionType::VPrediction => guess * signal - clean * noise,
        }
    }

    fn sample(&self, kind: SamplerKind, steps: usize, start: &Tensor) -> Tensor {
        let mut sampler = kind.start(self.schedule, steps).unwrap();
        let mut x = start * sampler.initial_scale();
        for (index, timestep) in sampler.timesteps().to_vec().into_iter().enumerate() {
            let output = self.predict(&sampler.scale_input(&x, index).unwrap(), timestep);
            let mut fresh = |size: &[i64]| random(size, 500 + index as u32, Kind::Double);
            x = sampler.step(&x, &output, index, &mut fresh).unwrap();
        }
        x
    }
}

#[test]
fn every_sampler_finds_the_only_picture_there_is() {
    for prediction in PREDICTIONS {
        let schedule = schedule(prediction);
        let model = Gaussian { schedule: &schedule, mean: random(&SIZE, 1, Kind::Double), spread: 0.0 };
        let start = random(&SIZE, 2, Kind::Double);
        for kind in SamplerKind::ALL {
            for steps in [1, 2, 20] {
                let found = model.sample(kind, steps, &start);
                assert!(apart(&found, &model.mean) < 1e-9, "{} in {steps} steps", kind.name());
            }
        }
    }
}

#[test]
fn samplers_without_fresh_noise_follow_the_flow() {
    for prediction in PREDICTIONS {
        let schedule = schedule(prediction);
        let mean = Tensor::zeros(SIZE, (Kind::Double, tch::Device::Cpu));
        let model = Gaussian { schedule: &schedule, mean, spread: 0.6 };
        let start = random(&SIZE, 2, Kind::Double);
        let error = |kind: SamplerKind, steps: usize| {
            let sampler = kind.start(&schedule, steps).unwrap();
            let alpha = schedule.alphas()[sampler.timesteps()[0] as usize];
            // Along the flow the standard deviation of the mixture shrinks to that of the pictures.
            let variance = alpha * 0.36 + 1.0 - alpha;
            let first = if kind == SamplerKind::Euler { sampler.initial_scale() * alpha.sqrt() } else { 1.0 };
            apart(&model.sample(kind, steps, &start), &(&start * (first * 0.6 / variance.sqrt())))
        };
        for kind in [SamplerKind::Ddim, SamplerKind::Euler, SamplerKind::DpmPp2M] {
            let (few, many) = (error(kind, 20), error(kind, 200));
            assert!(few < 0.1 && many < few / 4.0, "{}: {few} and {many}", kind.name());
        }
    }
}

#[test]
fn both_predictions_give_the_same_path() {
    let start = random(&SIZE, 2, Kind::Double);
    for kind in SamplerKind::ALL {
        let [noise, velocity] = PREDICTIONS.map(|prediction| {
            let schedule = schedule(prediction);
            let mean = random(&SIZE, 1, Kind::Double);
            Gaussian { schedule: &schedule, mean, spread: 0.6 }.sample(kind, 20, &start)
        });
        assert!(apart(&noise, &velocity) < 1e-9, "{}", kind.name());
    }
}

#[test]
fn timesteps_are_spaced_as_stable_diffusion_does() {
    let schedule = schedule(PredictionType::Epsilon);
    let ends = |kind: SamplerKind| {
        let sampler = kind.start(&schedule, 20).unwrap();
        let timesteps = sampler.timesteps();
        (timesteps.len(), timesteps[0], timesteps[1], timesteps[19])
    };
    for kind in [SamplerKind::Ddim, SamplerKind::Euler, SamplerKind::EulerA] {
        assert_eq!(ends(kind), (20, 951.0, 901.0, 1.0));
    }
    assert_eq!(ends(SamplerKind::DpmPp2M), (20, 941.0, 894.0, 48.0));
}

#[test]
fn step_counts_beyond_the_noise_levels_are_refused() {
    let schedule = schedule(PredictionType::Epsilon);
    for kind in SamplerKind::ALL {
        for steps in [0, 1000, 1001, usize::MAX / 2] {
            let error = kind.start(&schedule, steps).err().unwrap().to_string();
            assert!(error.contains(&format!("{steps} steps")) && error.contains("1000"), "{error}");
        }
        assert!(kind.start(&schedule, 500).is_ok());
    }
}

#[test]
fn noise_and_velocity_undo_each_other() {
    let schedule = schedule(PredictionType::VPrediction);
    let timesteps = Tensor::from_slice(&[0_i64, 999]);
    let (latents, noise) = (random(&SIZE, 1, Kind::Double), random(&SIZE, 2, Kind::Double));
    let noisy = schedule.add_noise(&latents, &noise, &timesteps).unwrap();
    let velocity = schedule.target(&latents, &noise, &timesteps).unwrap();
    for (sample, level) in [(0, 0), (1, 999)] {
        let alpha: f64 = schedule.alphas()[level];
        let again = noisy.get(sample) * alpha.sqrt() - velocity.get(sample) * (1.0 - alpha).sqrt();
        assert!(apart(&again, &latents.get(sample)) < 1e-6);
    }
}

#[test]
fn the_levels_are_those_of_stable_diffusion() {
    let schedule = schedule(PredictionType::Epsilon);
    let alphas = schedule.alphas();
    assert!(
        (alphas[0] - 0.99915).abs() < 1e-6 && (alphas[999] - 0.004_660_1).abs() < 1e-6,
        "{}",
        alphas[999]
    );
    assert!(alphas.windows(2).all(|pair| pair[0] > pair[1]));
    assert_eq!(schedule.snr(1000), None);
    let table = schedule.snr_at(&Tensor::from_slice(&[500_i64])).unwrap().double_value(&[0]);
    assert!((schedule.snr(500).unwrap() - table).abs() < 1e-6 * table);
}

#[test]
fn configurations_without_a_schedule_are_refused() {
    let broken = [
        SchedulerConfig { beta_end: 1.0, ..config() },
        SchedulerConfig { beta_start: f64::NAN, ..config() },
        SchedulerConfig { num_train_timesteps: 0, ..config() },
    ];
    for (config, words) in
        broken.iter().zip(["beta_end is 1", "beta_start is NaN", "num_train_timesteps is 0"])
    {
        assert!(NoiseSchedule::new(config).unwrap_err().to_string().contains(words));
    }
}

//! Stable Diffusion 1.x and 2.x base models: a diffusers folder, or one checkpoint file in the original (LDM) layout.

mod config;

pub use config::{
    Activation, BetaSchedule, ClipTextConfig, Component, PredictionType, SchedulerConfig, UnetConfig,
    VaeConfig,
};

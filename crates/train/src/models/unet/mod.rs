//! The denoising network of Stable Diffusion 1 and 2 (diffusers' `UNet2DConditionModel`).

mod config;
mod down;
mod feed_forward;
mod mid;
mod network;
mod time;
mod transformer;
mod up;

pub use network::Unet;

use tch::Tensor;

use crate::models::flow::Value;

/// What every block of a pass sees beside its input.
#[derive(Clone, Copy)]
struct Conditions<'a> {
    /// The time embedding after its SiLU, `[samples, 4 · first width]`.
    time: &'a Tensor,
    /// The text encoder's states, `[samples, tokens, width]`.
    states: &'a Value,
    /// Whether attention is computed in fp32 whatever the weights' number type is.
    upcast_attention: bool,
}

#[cfg(test)]
mod tests;

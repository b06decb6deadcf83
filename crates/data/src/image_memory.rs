//! How much memory a training of Stable Diffusion adapters will take, reckoned from sizes alone: a rough estimate to
//! plan by, not a measurement.
//!
//! Weights (UNet and text encoder in the step's number format, the VAE in fp32) + adapters · 16 bytes + what the forward
//! pass keeps for the backward pass. The last is counted block by block, in numbers per channel and latent pixel of the
//! block's resolution: 6 for a residual block (two norms, their activations, two convolutions) and 24 for a transformer
//! layer (norms, queries, keys and values, both attentions' outputs, the gated feed-forward). Attention is fused: no
//! scores are kept. Encoding a picture in fp32 before training can need more, and counts where it does.

use serde::{Deserialize, Serialize};

use crate::base_model::stable_diffusion::{UnetConfig, VaeConfig};

/// Bytes of an adapter parameter: a fp32 weight, its gradient, and `AdamW`'s two moments.
const BYTES_PER_ADAPTER_PARAMETER: u64 = 16;
/// The program itself with libtorch and its buffers, in bytes.
const PROGRAM: u64 = 350 << 20;
/// Numbers that a residual block keeps, per channel and pixel.
const RESIDUAL: u64 = 6;
/// Numbers that a transformer layer keeps, per channel and pixel.
const TRANSFORMER: u64 = 24;
/// Copies of the VAE's finest layer that encoding one picture holds at a time.
const ENCODER_COPIES: u64 = 6;

/// What an estimate is made for.
#[derive(Clone, Copy, Debug)]
pub struct ImageMemoryRequest<'a> {
    /// The noise predictor.
    pub unet: &'a UnetConfig,
    /// The autoencoder.
    pub vae: &'a VaeConfig,
    /// Weights of UNet and text encoder.
    pub frozen: u64,
    /// Weights of the VAE.
    pub vae_parameters: u64,
    /// Trained parameters.
    pub adapter_parameters: u64,
    /// Bytes of a base weight and of an activation: 4 for fp32, 2 for bf16.
    pub bytes_per_number: u64,
    /// Pictures per micro-batch.
    pub batch_size: u64,
    /// Pixels of the largest latent.
    pub latent_pixels: u64,
    /// Whether activations are computed again: then one block's are kept at a time, and what goes from block to block.
    pub gradient_checkpointing: bool,
}

/// Bytes by purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageMemory {
    /// The frozen base.
    pub base: u64,
    /// Adapters with gradients and optimizer state.
    pub adapters: u64,
    /// What the forward pass keeps for the backward pass, or the encoding of a picture where that is more.
    pub activations: u64,
    /// The program itself.
    pub program: u64,
    /// All of them.
    pub total: u64,
}

/// Estimates the peak of a training.
pub fn estimate(request: &ImageMemoryRequest<'_>) -> ImageMemory {
    let blocks = blocks(request.unet, request.latent_pixels);
    let numbers = if request.gradient_checkpointing {
        let between: u64 = blocks.iter().map(|block| block.layers * block.width * block.parts()).sum();
        between + blocks.iter().map(|block| block.width * block.largest_part()).max().unwrap_or(0)
    } else {
        blocks.iter().map(|block| block.layers * block.width * block.kept()).sum()
    };
    let step = numbers * request.batch_size * request.bytes_per_number;
    let factor = 1 << (2 * request.vae.block_out_channels.len().saturating_sub(1) as u64);
    let finest = request.vae.block_out_channels.first().copied().unwrap_or(0) as u64;
    let encoding = request.latent_pixels * factor * finest * ENCODER_COPIES * 4;
    let base = request.frozen * request.bytes_per_number + request.vae_parameters * 4;
    let adapters = request.adapter_parameters * BYTES_PER_ADAPTER_PARAMETER;
    let activations = step.max(encoding);
    ImageMemory {
        base,
        adapters,
        activations,
        program: PROGRAM,
        total: base + adapters + activations + PROGRAM,
    }
}

/// Blocks of one resolution on one way, down or up.
struct Blocks {
    layers: u64,
    /// Channels × pixels.
    width: u64,
    /// Numbers kept for each of them by a layer's transformer; 0 without one.
    transformer: u64,
}

impl Blocks {
    /// Numbers kept for each of them by one layer.
    fn kept(&self) -> u64 {
        RESIDUAL + self.transformer
    }

    /// Parts of a layer that are computed again one by one.
    fn parts(&self) -> u64 {
        1 + u64::from(self.transformer > 0)
    }

    /// Numbers kept for each of them while the larger part is computed again, with its gradient and that of its input.
    fn largest_part(&self) -> u64 {
        RESIDUAL.max(self.transformer) + 2
    }
}

fn blocks(unet: &UnetConfig, latent_pixels: u64) -> Vec<Blocks> {
    let levels = unet.block_out_channels.len();
    let transformer = TRANSFORMER * unet.transformer_layers as u64;
    let width = |level: usize| unet.block_out_channels[level] as u64 * (latent_pixels >> (2 * level));
    let block = |level: usize, layers: usize, has_attention: bool| Blocks {
        layers: layers as u64,
        width: width(level),
        transformer: if has_attention { transformer } else { 0 },
    };
    let down = (0..levels).map(|level| {
        block(level, unet.layers_per_block, unet.down_attention.get(level).copied().unwrap_or(false))
    });
    let up = (0..levels).map(|level| {
        let attention = unet.up_attention.get(levels - 1 - level).copied().unwrap_or(false);
        block(level, unet.layers_per_block + 1, attention)
    });
    let middle = levels.checked_sub(1).map(|last| block(last, 1, true));
    down.chain(middle).chain(up).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base_model::stable_diffusion::testing::{sd1_unet, sd1_vae};

    fn sd15(batch_size: u64, side: u64, gradient_checkpointing: bool) -> ImageMemory {
        let (unet, vae) = (sd1_unet(), sd1_vae());
        estimate(&ImageMemoryRequest {
            unet: &unet,
            vae: &vae,
            frozen: 859_520_964 + 123_060_480,
            vae_parameters: 83_653_863,
            adapter_parameters: 797_184,
            bytes_per_number: 2,
            batch_size,
            latent_pixels: side * side,
            gradient_checkpointing,
        })
    }

    #[test]
    fn stable_diffusion_needs_a_few_gibibytes() {
        let one = sd15(1, 64, false);
        assert_eq!(one.adapters, 797_184 * 16);
        assert_eq!(one.base, 982_581_444 * 2 + 83_653_863 * 4);
        let gibi = one.total as f64 / f64::from(1 << 30);
        assert!((2.5..5.0).contains(&gibi), "{gibi}");
    }

    #[test]
    fn batches_and_latents_count_and_checkpointing_saves() {
        let (four, eight) = (sd15(4, 64, false), sd15(8, 64, false));
        assert_eq!(four.activations * 2, eight.activations);
        assert_eq!(sd15(2, 128, false).activations, eight.activations);
        assert!(sd15(8, 64, true).activations * 4 < eight.activations);
        // One small picture's step is less than encoding it.
        assert_eq!(sd15(1, 64, true).activations, 512 * 512 * 128 * 6 * 4);
    }
}

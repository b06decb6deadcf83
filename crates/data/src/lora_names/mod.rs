//! LoRA on Stable Diffusion: the layers that an adapter can sit on, which of them a setting means, and what their
//! tensors and metadata are called in the files that diffusers, PEFT, kohya's scripts, the `WebUI` and ComfyUI read.

mod choice;
mod diffusers_header;
mod keys;
mod kohya_metadata;
mod reader;
mod targets;

pub use choice::{ChosenSite, choose};
pub use diffusers_header::{HeaderAdapter, adapter_metadata, diffusers_header};
pub use keys::Role;
pub use kohya_metadata::{KohyaFacts, sshs_legacy_hash, sshs_model_hash};
pub use reader::SiteIndex;
pub(crate) use targets::ends_with;
pub use targets::{Preset, TargetError, Targets};

use crate::base_model::stable_diffusion::layers::{self, Layer, LayerKind};
use crate::base_model::stable_diffusion::{ClipTextConfig, UnetConfig};

/// The part of the model that a site belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The UNet.
    Unet,
    /// The text encoder.
    TextEncoder,
}

impl Part {
    /// The name of the part's folder, which begins diffusers' keys.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unet => "unet",
            Self::TextEncoder => "text_encoder",
        }
    }
}

/// What the layer under an adapter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SiteKind {
    /// A linear layer.
    Linear,
    /// A convolution.
    Conv,
}

/// Where in its part a site lies, which is how kohya's scripts choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SiteGroup {
    /// In an attention block of the UNet, or in a layer of the text encoder: kohya's default set.
    Transformer,
    /// In a residual block, a down- or an upsampler of the UNet: kohya's further set where `conv_dim` is given.
    Residual,
    /// The UNet's first and last convolution and its time embedding: in none of kohya's sets.
    Outer,
}

/// A layer that an adapter can sit on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Site {
    /// The part it belongs to.
    pub part: Part,
    /// The module's path in that part, in diffusers' and transformers' names; the text encoder's begin with
    /// `text_model.`.
    pub path: String,
    /// What the layer is.
    pub kind: SiteKind,
    /// Features or channels that go in.
    pub inputs: usize,
    /// Features or channels that come out.
    pub outputs: usize,
    /// Width and height of a convolution's kernel; 1 for a linear layer.
    pub kernel: usize,
    /// A convolution's stride (its padding is `kernel / 2`); 1 for a linear layer.
    pub stride: usize,
}

impl Site {
    fn of(part: Part, layer: Layer) -> Option<Self> {
        let (kind, inputs, outputs, kernel, stride) = match layer.kind {
            LayerKind::Linear { inputs, outputs } => (SiteKind::Linear, inputs, outputs, 1, 1),
            LayerKind::Conv { inputs, outputs, kernel, stride } => {
                (SiteKind::Conv, inputs, outputs, kernel, stride)
            }
            LayerKind::Norm { .. } | LayerKind::Embedding { .. } => return None,
        };
        Some(Self { part, path: layer.path, kind, inputs, outputs, kernel, stride })
    }

    /// Where it lies.
    pub fn group(&self) -> SiteGroup {
        let in_block = |name: &str| self.path.contains(name);
        if self.part == Part::TextEncoder || in_block(".attentions.") {
            SiteGroup::Transformer
        } else if in_block(".resnets.") || in_block("samplers.") {
            SiteGroup::Residual
        } else {
            SiteGroup::Outer
        }
    }

    /// Shape of the adapter's first factor (A, down): `[rank, in]`, or `[rank, in, kernel, kernel]` for a convolution.
    pub fn down_shape(&self, rank: usize) -> Vec<usize> {
        match self.kind {
            SiteKind::Linear => vec![rank, self.inputs],
            SiteKind::Conv => vec![rank, self.inputs, self.kernel, self.kernel],
        }
    }

    /// Shape of the adapter's second factor (B, up): `[out, rank]`, or `[out, rank, 1, 1]` for a convolution.
    pub fn up_shape(&self, rank: usize) -> Vec<usize> {
        match self.kind {
            SiteKind::Linear => vec![self.outputs, rank],
            SiteKind::Conv => vec![self.outputs, rank, 1, 1],
        }
    }

    /// Numbers in an adapter of this rank.
    pub fn parameters(&self, rank: usize) -> u64 {
        (rank * (self.inputs * self.kernel * self.kernel + self.outputs)) as u64
    }
}

/// Every layer that an adapter can sit on, in the order of the model: the UNet's, then the text encoder's.
pub fn adapter_sites(unet: &UnetConfig, text_encoder: &ClipTextConfig) -> Vec<Site> {
    let unet = layers::unet(unet).into_iter().filter_map(|layer| Site::of(Part::Unet, layer));
    let text = layers::text_encoder(text_encoder).into_iter();
    unet.chain(text.filter_map(|layer| Site::of(Part::TextEncoder, layer))).collect()
}

#[cfg(test)]
mod tests;

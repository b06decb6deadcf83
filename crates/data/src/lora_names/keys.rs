//! What the tensors of a site are called in each kind of file.

use super::{Part, Site};

/// What a tensor of an adapter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// The first factor, A.
    Down,
    /// The second factor, B.
    Up,
    /// The number that is divided by the rank to give the strength.
    Alpha,
    /// DoRA's magnitudes.
    Magnitude,
}

impl Site {
    /// The key in diffusers' `pytorch_lora_weights.safetensors`; `None` for the alpha, which that file holds in its
    /// header or folded into B.
    pub fn diffusers_key(&self, role: Role) -> Option<String> {
        Some(format!("{}.{}.{}", self.part.name(), self.path, peft_suffix(role)?))
    }

    /// The key in PEFT's `adapter_model.safetensors` of this part alone; `None` for the alpha, which stands in
    /// `adapter_config.json`.
    pub fn peft_key(&self, role: Role) -> Option<String> {
        Some(format!("base_model.model.{}.{}", self.path, peft_suffix(role)?))
    }

    /// The module's name in kohya's files, such as `lora_unet_mid_block_attentions_0_proj_in`.
    pub fn kohya_module(&self) -> String {
        let prefix = match self.part {
            Part::Unet => "lora_unet_",
            Part::TextEncoder => "lora_te_",
        };
        format!("{prefix}{}", self.path.replace('.', "_"))
    }

    /// The key in the single file that kohya's scripts write and the `WebUI` and ComfyUI read.
    pub fn kohya_key(&self, role: Role) -> String {
        let suffix = match role {
            Role::Down => "lora_down.weight",
            Role::Up => "lora_up.weight",
            Role::Alpha => "alpha",
            Role::Magnitude => "dora_scale",
        };
        format!("{}.{suffix}", self.kohya_module())
    }
}

fn peft_suffix(role: Role) -> Option<&'static str> {
    match role {
        Role::Down => Some("lora_A.weight"),
        Role::Up => Some("lora_B.weight"),
        Role::Magnitude => Some("lora_magnitude_vector"),
        Role::Alpha => None,
    }
}

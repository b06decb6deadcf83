//! CLIP's text transformer (transformers' `CLIPTextModel`), the text encoder of Stable Diffusion 1 and 2.

mod layer;
mod text;

pub use text::ClipText;

#[cfg(test)]
mod tests;

//! Where a model's frozen weights come from.

use loradeck_data::base_model::WeightView;

/// Weights by the names of diffusers and transformers: `down_blocks.0.attentions.0.…`, `encoder.down_blocks.0.…`,
/// `text_model.encoder.layers.0.…`. One source holds one component of a model.
pub trait WeightSource {
    /// The weight with this name, or what is wrong with it: a sentence that names the file.
    fn weight(&self, name: &str) -> Result<WeightView<'_>, String>;
}

//! Where the adapters of an image training sit, and the branches that carry them.

use std::collections::HashMap;

use loradeck_data::lora_names::ChosenSite;

use super::working_copy::WorkingCopy;
use crate::adapters::autograd::{Branch, Dropout, LayerMut};
use crate::adapters::{AdapterSet, AdapterSite, Matrix};
use crate::error::TrainError;
use crate::models::clip::ClipText;
use crate::models::unet::Unet;

/// The parts of the model that can carry adapters, as their names begin in files.
pub const UNET: &str = "unet";
/// The text encoder's.
pub const TEXT_ENCODER: &str = "text_encoder";

/// A matrix' name in diffusers' files.
pub fn diffusers_name(module: &str, matrix: Matrix) -> String {
    let matrix = match matrix {
        Matrix::A => "lora_A",
        Matrix::B => "lora_B",
    };
    format!("{module}.{matrix}.weight")
}

/// Calls `visitor` for every layer of both parts, by `unet.…` and `text_encoder.…` names.
pub fn visit(unet: &mut Unet, text: &mut ClipText, visitor: &mut dyn FnMut(&str, LayerMut<'_>)) {
    unet.visit(&mut |name, layer| visitor(&format!("{UNET}.{name}"), layer));
    text.visit(&mut |name, layer| visitor(&format!("{TEXT_ENCODER}.{name}"), layer));
}

/// The adapters' places in the trainer's terms.
pub fn adapter_sites(chosen: &[ChosenSite]) -> Vec<AdapterSite> {
    let sizes = |sizes: Vec<usize>| sizes.into_iter().map(|size| size as i64).collect();
    chosen
        .iter()
        .map(|chosen| AdapterSite {
            module: chosen.name(),
            number: chosen.number,
            a_shape: sizes(chosen.site.down_shape(chosen.rank as usize)),
            b_shape: sizes(chosen.site.up_shape(chosen.rank as usize)),
            scale: chosen.scale(),
        })
        .collect()
}

/// How often parts of the branches are left out.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DropoutRates {
    /// Single numbers of a branch's input.
    pub input: f64,
    /// Rows of A.
    pub rank: f64,
    /// Whole branches.
    pub module: f64,
}

impl DropoutRates {
    fn of_layer(self, layer: usize) -> Option<Dropout> {
        let Self { input, rank, module } = self;
        let any = input > 0.0 || rank > 0.0 || module > 0.0;
        any.then_some(Dropout { layer: layer as u32, input, rank, module })
    }
}

/// Attaches a branch for every site of `adapters`, which looks into `copy`: the scale is in there.
pub fn attach(
    unet: &mut Unet,
    text: &mut ClipText,
    adapters: &AdapterSet,
    copy: &WorkingCopy,
    rates: DropoutRates,
) -> Result<(), TrainError> {
    let mut places: HashMap<&str, usize> =
        adapters.sites().iter().enumerate().map(|(index, site)| (site.module.as_str(), index)).collect();
    let mut failed: Option<TrainError> = None;
    visit(unet, text, &mut |name, mut layer| {
        let Some(index) = places.remove(name) else { return };
        let (a, b) = (copy.leaf(index, Matrix::A), copy.leaf(index, Matrix::B));
        if let Err(error) = layer.attach(Branch { a, b, scale: 1.0, dropout: rates.of_layer(index) }) {
            failed.get_or_insert(TrainError::Other(format!("{name}: {error}")));
        }
    });
    match (failed, places.into_keys().next()) {
        (Some(error), _) => Err(error),
        (None, Some(lost)) => Err(TrainError::Other(format!("the model has no layer {lost}"))),
        (None, None) => Ok(()),
    }
}

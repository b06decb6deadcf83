//! Where the adapters of an image training sit, and the branches that carry them.

use std::collections::HashMap;

use loradeck_data::lora_names::ChosenSite;
use tch::Tensor;

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

/// The leaves of autograd, in the order of the flat buffers: A and B of every site. They share the buffers' numbers.
pub type Leaves = Vec<Tensor>;

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

/// Attaches a branch for every site of `adapters`. Returns the leaves.
pub fn attach(
    unet: &mut Unet,
    text: &mut ClipText,
    adapters: &AdapterSet,
    rates: DropoutRates,
) -> Result<Leaves, TrainError> {
    let places: HashMap<&str, usize> =
        adapters.sites().iter().enumerate().map(|(index, site)| (site.module.as_str(), index)).collect();
    let mut found: Vec<Option<(Tensor, Tensor)>> = adapters.sites().iter().map(|_| None).collect();
    let mut failed: Option<TrainError> = None;
    visit(unet, text, &mut |name, mut layer| {
        let Some(index) = places.get(name).copied() else { return };
        match attach_one(&mut layer, adapters, index, rates) {
            Ok(leaves) => found[index] = Some(leaves),
            Err(error) => {
                failed.get_or_insert(error);
            }
        }
    });
    if let Some(error) = failed {
        return Err(error);
    }
    let mut leaves = Vec::with_capacity(2 * found.len());
    for (pair, site) in found.into_iter().zip(adapters.sites()) {
        let Some((a, b)) = pair else {
            return Err(TrainError::Other(format!("the model has no layer {}", site.module)));
        };
        leaves.extend([a, b]);
    }
    Ok(leaves)
}

fn attach_one(
    layer: &mut LayerMut<'_>,
    adapters: &AdapterSet,
    index: usize,
    rates: DropoutRates,
) -> Result<(Tensor, Tensor), TrainError> {
    let site = &adapters.sites()[index];
    let (a, b) = (leaf(adapters, index, Matrix::A)?, leaf(adapters, index, Matrix::B)?);
    let leaves = (a.shallow_clone(), b.shallow_clone());
    layer
        .attach(Branch { a, b, scale: site.scale, dropout: rates.of_layer(index) })
        .map_err(|error| TrainError::Other(format!("{}: {error}", site.module)))?;
    Ok(leaves)
}

fn leaf(adapters: &AdapterSet, index: usize, matrix: Matrix) -> Result<Tensor, TrainError> {
    let view = adapters.view(&adapters.parameters, index, matrix)?;
    Ok(view.f_detach()?.f_requires_grad_(true)?)
}

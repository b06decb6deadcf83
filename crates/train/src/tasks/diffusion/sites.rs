//! Where the adapters of an image training sit, and the branches that carry them.

use tch::{Device, Tensor};

use super::choice::{Chosen, Choice};
use crate::adapters::{AdapterSet, AdapterSite, Matrix};
use crate::error::TrainError;
use crate::lora_layers::{Branch, Dropout, LayerMut};
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

/// Calls `visitor` for every layer of both parts, by `unet.…` and `text_encoder.…` names, numbered in this order.
fn visit(unet: &mut Unet, text: &mut ClipText, visitor: &mut dyn FnMut(usize, &str, LayerMut<'_>)) {
    let mut number = 0;
    let mut part = |prefix: &'static str, name: &str, layer: LayerMut<'_>| {
        visitor(number, &format!("{prefix}.{name}"), layer);
        number += 1;
    };
    unet.visit(&mut |name, layer| part(UNET, name, layer));
    text.visit(&mut |name, layer| part(TEXT_ENCODER, name, layer));
}

/// The sites that `choice` takes, in the order of the model.
pub fn choose(unet: &mut Unet, text: &mut ClipText, choice: &Choice) -> Result<Vec<AdapterSite>, TrainError> {
    let mut sites = Vec::new();
    let mut known = Vec::new();
    visit(unet, text, &mut |number, name, layer| {
        known.push(name.to_owned());
        if let Some(Chosen { rank, alpha }) = choice.of(name, layer.kind()) {
            let rank = i64::from(rank);
            sites.push(AdapterSite {
                module: name.to_owned(),
                number,
                a_shape: layer.kind().a_size(rank),
                b_shape: layer.kind().b_size(rank),
                scale: alpha / rank as f64,
            });
        }
    });
    choice.check(&sites, &known)?;
    Ok(sites)
}

/// The leaves of autograd, in the order of the flat buffers: A and B of every site. They share the buffers' numbers.
pub type Leaves = Vec<Tensor>;

/// Attaches a branch for every site of `adapters`. Returns the leaves.
pub fn attach(
    unet: &mut Unet,
    text: &mut ClipText,
    adapters: &AdapterSet,
    choice: &Choice,
) -> Result<Leaves, TrainError> {
    let mut leaves = Vec::with_capacity(2 * adapters.sites().len());
    let mut sites = adapters.sites().iter().enumerate().peekable();
    let mut failed: Option<TrainError> = None;
    visit(unet, text, &mut |number, _, mut layer| {
        let Some((index, site)) = sites.next_if(|(_, site)| site.number == number) else { return };
        let made = leaf(adapters, index, Matrix::A).and_then(|a| Ok((a, leaf(adapters, index, Matrix::B)?)));
        match made {
            Ok((a, b)) => {
                leaves.extend([a.shallow_clone(), b.shallow_clone()]);
                let dropout = choice.dropout(index as u32);
                if let Err(error) = layer.attach(Branch { a, b, scale: site.scale, dropout }) {
                    failed.get_or_insert(TrainError::Other(format!("{}: {error}", site.module)));
                }
            }
            Err(error) => {
                failed.get_or_insert(error);
            }
        }
    });
    match failed {
        None => Ok(leaves),
        Some(error) => Err(error),
    }
}

fn leaf(adapters: &AdapterSet, index: usize, matrix: Matrix) -> Result<Tensor, TrainError> {
    let view = adapters.view(&adapters.parameters, index, matrix)?;
    Ok(view.f_detach()?.f_requires_grad_(true)?)
}

/// Which device's worth of dropout a set of rates is; `None` where nothing is ever dropped.
pub(super) fn dropout(layer: u32, input: f64, rank: f64, module: f64) -> Option<Dropout> {
    (input > 0.0 || rank > 0.0 || module > 0.0).then_some(Dropout { layer, input, rank, module })
}

/// Fresh adapters for `sites`.
pub fn adapters(sites: Vec<AdapterSite>, seed: u64, device: Device) -> Result<AdapterSet, TrainError> {
    Ok(AdapterSet::new(sites, seed, diffusers_name, device)?)
}

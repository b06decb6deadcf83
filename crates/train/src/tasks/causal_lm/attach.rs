//! Adapters on the projections of a language model.

use loradeck_core::config::LoraTargets;
use loradeck_data::lora_targets::{self as targets, TargetError};
use tch::{Device, TchError};

use crate::adapters::linear::Adapter;
use crate::adapters::{AdapterSet, AdapterSite, Matrix};
use crate::models::llama::Llama;

/// Why adapters could not be attached.
#[derive(Debug, thiserror::Error)]
pub enum AdapterError {
    /// The targets choose nothing.
    #[error(transparent)]
    Targets(#[from] TargetError),
    /// libtorch refused.
    #[error(transparent)]
    Torch(#[from] TchError),
}

/// Attaches an adapter of rank `rank` and scale `alpha / rank` to every target.
pub fn attach(
    model: &mut Llama,
    wanted: &LoraTargets,
    rank: u32,
    alpha: f64,
    seed: u64,
    device: Device,
) -> Result<AdapterSet, AdapterError> {
    let modules: Vec<String> = model.projections().map(|(name, _)| name).collect();
    let chosen = targets::resolve(wanted, &modules)?;
    let mut sites = Vec::with_capacity(chosen.len());
    for (number, (module, projection)) in model.projections().enumerate() {
        if chosen.binary_search(&number).is_ok() {
            let size = projection.weight.size()?;
            sites.push(AdapterSite::linear(module, number, size, i64::from(rank), alpha));
        }
    }
    let adapters = AdapterSet::new(sites, seed, peft_name, device)?;
    connect(model, &adapters)?;
    Ok(adapters)
}

fn connect(model: &mut Llama, adapters: &AdapterSet) -> Result<(), TchError> {
    let mut sites = adapters.sites().iter().enumerate().peekable();
    for (number, (_, projection)) in model.projections().enumerate() {
        let Some((index, site)) = sites.next_if(|(_, site)| site.number == number) else { continue };
        projection.adapter = Some(Adapter {
            a: adapters.view(&adapters.parameters, index, Matrix::A)?,
            b: adapters.view(&adapters.parameters, index, Matrix::B)?,
            gradient_a: adapters.view(&adapters.gradients, index, Matrix::A)?,
            gradient_b: adapters.view(&adapters.gradients, index, Matrix::B)?,
            scale: site.scale,
        });
    }
    Ok(())
}

/// A matrix' name in a PEFT adapter file.
pub fn peft_name(module: &str, matrix: Matrix) -> String {
    let matrix = match matrix {
        Matrix::A => "lora_A",
        Matrix::B => "lora_B",
    };
    format!("base_model.model.{module}.{matrix}.weight")
}

/// `target_modules` for PEFT: as short as its list rule allows. `modules` are all that could carry an adapter.
pub fn target_modules(adapters: &AdapterSet, modules: &[String]) -> Vec<String> {
    let names: Vec<&str> = adapters.sites().iter().map(|site| site.module.as_str()).collect();
    targets::shortest(&names, modules)
}

//! An adapter's file on a loaded model: any spelling that diffusers, PEFT or sd-scripts write.

use std::collections::BTreeMap;
use std::path::Path;

use loradeck_data::base_model::stable_diffusion::StableDiffusion;
use loradeck_data::base_model::{WeightData, WeightView};
use loradeck_data::lora_names::{Role, Site, SiteIndex, adapter_sites};
use loradeck_data::safetensors::SafetensorsFile;
use tch::{Device, Kind, Tensor};

use super::parts::Parts;
use super::sites::visit;
use crate::adapters::autograd::Branch;
use crate::error::TrainError;

/// The tensors of one site.
#[derive(Debug, Default)]
struct Found {
    down: Option<Tensor>,
    up: Option<Tensor>,
    alpha: Option<f64>,
}

/// Puts the adapter in the file `path` onto `parts`, in the place of an earlier one. Without an alpha its strength is 1,
/// as in diffusers' files, where the scale is folded into B. Returns how many layers carry it.
pub fn apply(
    parts: &mut Parts,
    base: &StableDiffusion,
    path: &Path,
    device: Device,
) -> Result<usize, TrainError> {
    let sites = adapter_sites(base.unet(), base.text_encoder());
    let mut branches = branches(path, &sites, device)?;
    let count = branches.len();
    let mut failed = None;
    visit(&mut parts.unet, &mut parts.conditioning.encoder, &mut |name, mut layer| {
        drop(layer.detach());
        if let Some(branch) = branches.remove(name)
            && let Err(error) = layer.attach(branch)
        {
            failed.get_or_insert(format!("{}: {name}: {error}", path.display()));
        }
    });
    parts.conditioning.forget();
    match failed {
        Some(problem) => Err(TrainError::Refused(problem)),
        None => Ok(count),
    }
}

/// The branches by the names of their layers.
fn branches(path: &Path, sites: &[Site], device: Device) -> Result<BTreeMap<String, Branch>, TrainError> {
    let problem = |problem: String| TrainError::Refused(format!("{}: {problem}", path.display()));
    let file = SafetensorsFile::open(path).map_err(|error| problem(error.to_string()))?;
    let index = SiteIndex::new(sites);
    let mut found: BTreeMap<usize, Found> = BTreeMap::new();
    for (key, entry) in file.entries() {
        let Some((number, role)) = index.find(key) else {
            return Err(problem(format!("'{key}' belongs to no layer of this base model")));
        };
        let dtype = SafetensorsFile::data_type(entry)
            .ok_or_else(|| problem(format!("'{key}' has a number type that is not supported")))?;
        let data = WeightData::Stored(file.bytes(entry));
        let tensor = tensor(&WeightView { dtype, shape: entry.shape.clone(), data }, device)?;
        let site = found.entry(number).or_default();
        match role {
            Role::Down => site.down = Some(tensor),
            Role::Up => site.up = Some(tensor),
            Role::Alpha => site.alpha = Some(tensor.f_sum(Kind::Double)?.f_double_value(&[])?),
            Role::Magnitude => return Err(problem(format!("'{key}' is of DoRA, which is not supported"))),
        }
    }
    let mut branches = BTreeMap::new();
    for (number, Found { down, up, alpha }) in found {
        let Some(site) = sites.get(number) else { continue };
        let name = format!("{}.{}", site.part.name(), site.path);
        let (Some(a), Some(b)) = (down, up) else {
            return Err(problem(format!("{name} has only one of its two factors")));
        };
        let rank = a.size().first().copied().unwrap_or(1).max(1) as f64;
        branches.insert(name, Branch { a, b, scale: alpha.map_or(1.0, |alpha| alpha / rank), dropout: None });
    }
    Ok(branches)
}

fn tensor(view: &WeightView<'_>, device: Device) -> Result<Tensor, TrainError> {
    let shape: Vec<i64> = view.shape.iter().map(|size| *size as i64).collect();
    let tensor = Tensor::f_from_slice(&view.to_f32())?.f_view(shape.as_slice())?;
    Ok(tensor.f_to_device_(device, Kind::Float, false, false)?)
}

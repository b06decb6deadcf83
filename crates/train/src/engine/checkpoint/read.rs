//! Going on from the newest checkpoint that is whole.

use std::path::Path;

use loradeck_core::run::RunFolder;
use loradeck_data::base_model::WeightView;
use loradeck_data::safetensors::SafetensorsFile;
use tch::Tensor;

use super::Identity;
use super::manifest::Manifest;
use super::write::MOMENTS;
use crate::adapters::AdapterSet;
use crate::engine::stepper::Stepper;
use crate::error::TrainError;

/// What was found to go on from.
#[derive(Debug, Default)]
pub struct Found {
    /// The newest whole checkpoint, none of them damaged.
    pub manifest: Option<Manifest>,
    /// Damaged newer ones that were passed over: step and what is wrong.
    pub damaged: Vec<(u64, String)>,
}

/// The newest checkpoint that is whole. One that belongs to another training is refused, naming what differs.
pub fn find(run: &RunFolder, identity: &Identity) -> Result<Found, TrainError> {
    let mut found = Found::default();
    for step in run.checkpoint_steps().into_iter().rev() {
        let path = run.checkpoint(step);
        match Manifest::read_verified(&path) {
            Err(problem) => found.damaged.push((step, problem)),
            Ok(manifest) if manifest.step != step => {
                let problem = format!("its manifest is of step {}", manifest.step);
                found.damaged.push((step, problem));
            }
            Ok(manifest) => {
                if let Some(difference) = identity.difference(&manifest.identity) {
                    return Err(TrainError::Identity {
                        path,
                        field: difference.field,
                        stored: difference.stored,
                        wanted: difference.wanted,
                        rows: String::new(),
                    });
                }
                found.manifest = Some(manifest);
                break;
            }
        }
    }
    Ok(found)
}

/// Copies the weights of the checkpoint that `manifest` describes, in its file `weights_name`, moments and scale of the loss into `adapters` and `stepper`.
pub fn load(
    folder: &Path,
    manifest: &Manifest,
    weights_name: &str,
    adapters: &AdapterSet,
    stepper: &mut Stepper,
) -> Result<(), TrainError> {
    load_weights(&folder.join(weights_name), "", adapters, &adapters.parameters)?;
    let moments = folder.join(MOMENTS);
    load_weights(&moments, "first.", adapters, &stepper.optimizer.first)?;
    load_weights(&moments, "second.", adapters, &stepper.optimizer.second)?;
    if let Some(average) = &stepper.average {
        load_weights(&moments, "average.", adapters, &average.numbers)?;
    }
    let mut skipped = 0;
    if let (Some(scale), Some(state)) = (&mut stepper.optimizer.loss_scale, manifest.loss_scale) {
        scale.restore(state)?;
        skipped = state.skipped_steps;
    }
    stepper.optimizer.set_count(manifest.step.saturating_sub(skipped))?;
    Ok(())
}

/// Copies the tensors of a safetensors file, under the adapters' names in files after `prefix`, into `flat`.
pub fn load_weights(
    path: &Path,
    prefix: &str,
    adapters: &AdapterSet,
    flat: &Tensor,
) -> Result<(), TrainError> {
    let problem = |problem: String| TrainError::Checkpoint { path: path.to_path_buf(), problem };
    let file = SafetensorsFile::open(path).map_err(|error| problem(error.to_string()))?;
    for (name, mut target) in adapters.named(flat)? {
        let name = format!("{prefix}{name}");
        let view =
            view(&file, &name).ok_or_else(|| problem(format!("it holds no usable tensor '{name}'")))?;
        let size: Vec<i64> = view.shape.iter().map(|size| *size as i64).collect();
        if size != target.size() {
            return Err(problem(format!("'{name}' has the shape {size:?} instead of {:?}", target.size())));
        }
        let values = Tensor::f_from_slice(&view.to_f32())?.f_view(size.as_slice())?;
        target.f_copy_(&values)?;
    }
    Ok(())
}

fn view<'a>(file: &'a SafetensorsFile, name: &str) -> Option<WeightView<'a>> {
    let entry = file.entries().get(name)?;
    let dtype = SafetensorsFile::data_type(entry)?;
    let data = loradeck_data::base_model::WeightData::Stored(file.bytes(entry));
    Some(WeightView { dtype, shape: entry.shape.clone(), data })
}

//! All adapters of a model in one flat fp32 buffer, their gradients in another: one norm, one update, one copy.

use loradeck_core::config::LoraTargets;
use loradeck_data::random::lora_kaiming;
use tch::{Device, Kind, TchError, Tensor};

use crate::lora::Adapter;
use crate::models::llama::Llama;
use crate::targets::{self, TargetError};

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

/// One adapter's place in the buffers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The projection's Hugging Face name.
    pub module: String,
    /// Its place among all projections of the model, whichever are targets.
    pub number: usize,
    /// Columns of A.
    pub inputs: i64,
    /// Rows of B.
    pub outputs: i64,
    start: i64,
}

/// The adapters of a model.
#[derive(Debug)]
pub struct Adapters {
    /// All A and B, fp32, adapter after adapter.
    pub parameters: Tensor,
    /// Their gradients in the same order.
    pub gradients: Tensor,
    entries: Vec<Entry>,
    /// Every projection of the model.
    modules: Vec<String>,
    rank: i64,
    scale: f64,
}

impl Adapters {
    /// Attaches an adapter of rank `rank` and scale `alpha / rank` to every target. A is drawn from
    /// U(−1/√in, 1/√in) by `seed` and the projection's number alone, B is zero: equal on every device.
    pub fn attach(
        model: &mut Llama,
        wanted: &LoraTargets,
        rank: u32,
        alpha: f64,
        seed: u64,
        device: Device,
    ) -> Result<Self, AdapterError> {
        let modules: Vec<String> = model.projections().map(|(name, _)| name).collect();
        let chosen = targets::resolve(wanted, &modules)?;
        let rank = i64::from(rank);
        let entries = place(model, &chosen, rank)?;
        let total = entries.last().map_or(0, |entry| entry.start + rank * (entry.inputs + entry.outputs));
        let flat = || Tensor::f_zeros([total], (Kind::Float, device));
        let scale = alpha / rank as f64;
        let adapters = Self { parameters: flat()?, gradients: flat()?, entries, modules, rank, scale };
        adapters.initialise(seed)?;
        adapters.connect(model)?;
        Ok(adapters)
    }

    fn initialise(&self, seed: u64) -> Result<(), TchError> {
        for entry in &self.entries {
            let values = lora_kaiming(seed, entry.number as u32, self.rank as usize, entry.inputs as usize);
            self.a(&self.parameters, entry)?.f_view([-1])?.f_copy_(&Tensor::f_from_slice(&values)?)?;
        }
        Ok(())
    }

    fn connect(&self, model: &mut Llama) -> Result<(), TchError> {
        let mut entries = self.entries.iter().peekable();
        for (number, (_, projection)) in model.projections().enumerate() {
            let Some(entry) = entries.next_if(|entry| entry.number == number) else { continue };
            projection.adapter = Some(Adapter {
                a: self.a(&self.parameters, entry)?,
                b: self.b(&self.parameters, entry)?,
                gradient_a: self.a(&self.gradients, entry)?,
                gradient_b: self.b(&self.gradients, entry)?,
                scale: self.scale,
            });
        }
        Ok(())
    }

    fn a(&self, flat: &Tensor, entry: &Entry) -> Result<Tensor, TchError> {
        flat.f_narrow(0, entry.start, self.rank * entry.inputs)?.f_view([self.rank, entry.inputs])
    }

    fn b(&self, flat: &Tensor, entry: &Entry) -> Result<Tensor, TchError> {
        let start = entry.start + self.rank * entry.inputs;
        flat.f_narrow(0, start, self.rank * entry.outputs)?.f_view([entry.outputs, self.rank])
    }

    /// Trained numbers in all.
    pub fn count(&self) -> u64 {
        self.parameters.numel() as u64
    }

    /// The adapters' places, in the order of the model's projections.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// `target_modules` for PEFT: as short as its list rule allows.
    pub fn target_modules(&self) -> Vec<String> {
        let names: Vec<&str> = self.entries.iter().map(|entry| entry.module.as_str()).collect();
        targets::shortest(&names, &self.modules)
    }

    /// Every matrix of `flat` (parameters, or a buffer of the same order) under PEFT's name, views into it.
    pub fn named(&self, flat: &Tensor) -> Result<Vec<(String, Tensor)>, TchError> {
        let mut named = Vec::with_capacity(2 * self.entries.len());
        for entry in &self.entries {
            let name = |matrix: &str| format!("base_model.model.{}.{matrix}.weight", entry.module);
            named.push((name("lora_A"), self.a(flat, entry)?));
            named.push((name("lora_B"), self.b(flat, entry)?));
        }
        Ok(named)
    }

    /// Forgets the gradients of the last step.
    pub fn zero_gradients(&mut self) -> Result<(), TchError> {
        self.gradients.f_zero_().map(drop)
    }
}

fn place(model: &mut Llama, chosen: &[usize], rank: i64) -> Result<Vec<Entry>, TchError> {
    let mut start = 0;
    let mut entries = Vec::with_capacity(chosen.len());
    for (number, (module, projection)) in model.projections().enumerate() {
        if chosen.binary_search(&number).is_err() {
            continue;
        }
        let (outputs, inputs) = projection.weight.size()?;
        entries.push(Entry { module, number, inputs, outputs, start });
        start += rank * (inputs + outputs);
    }
    Ok(entries)
}

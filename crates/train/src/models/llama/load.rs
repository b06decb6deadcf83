//! From a base model's file to tensors on the device.

use std::sync::Arc;

use loradeck_data::base_model::{BaseModel, BaseModelError, PROJECTIONS, WeightData};
use loradeck_data::safetensors::DataType;
use tch::{Device, Kind, TchError, Tensor};

use super::head::Head;
use super::layer::Layer;
use super::model::Llama;
use super::norm::RmsNorm;
use super::rope::Rope;
use crate::adapters::linear::LoraLinear;
use crate::models::frozen_weight::FrozenWeight;

/// Why a model could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file does not hold what it should.
    #[error(transparent)]
    Base(#[from] BaseModelError),
    /// libtorch refused, most likely for lack of memory.
    #[error("cannot load the weight '{name}': {source}")]
    Torch {
        /// The weight's name.
        name: String,
        /// libtorch's answer.
        source: TchError,
    },
}

struct Loader {
    base: Arc<BaseModel>,
    kind: Kind,
    device: Device,
}

impl Llama {
    /// Loads `base` in the number format `kind` onto `device`, with rotary tables for `positions` positions.
    pub fn load(
        base: Arc<BaseModel>,
        kind: Kind,
        device: Device,
        positions: usize,
    ) -> Result<Self, LoadError> {
        let shape = base.shape().clone();
        let loader = Loader { base: base.clone(), kind, device };
        let epsilon = shape.rms_norm_epsilon;
        let embedding = loader.linear("model.embed_tokens")?;
        let head = if shape.tied_embeddings { embedding.shared() } else { loader.linear("lm_head")? };
        let layers = (0..shape.layers)
            .map(|index| loader.layer(index, epsilon, shape.head_dim))
            .collect::<Result<_, _>>()?;
        let norm = loader.norm("model.norm", epsilon)?;
        let rope = Rope::new(&shape.inverse_frequencies(), positions, kind, device)
            .map_err(|source| LoadError::Torch { name: "rotary positions".to_owned(), source })?;
        Ok(Self { embedding, layers, head: Head { norm, weight: head }, rope, base })
    }
}

impl Loader {
    fn layer(&self, index: usize, epsilon: f64, head_dim: usize) -> Result<Layer, LoadError> {
        let name = |module: &str| format!("model.layers.{index}.{module}");
        let projection = |module: &str| self.linear(&name(module)).map(LoraLinear::frozen);
        let [q, k, v, o, gate, up, down] = PROJECTIONS;
        Ok(Layer {
            norm_1: self.norm(&name("input_layernorm"), epsilon)?,
            norm_2: self.norm(&name("post_attention_layernorm"), epsilon)?,
            projections: [
                projection(q)?,
                projection(k)?,
                projection(v)?,
                projection(o)?,
                projection(gate)?,
                projection(up)?,
                projection(down)?,
            ],
            head_dim: head_dim as i64,
        })
    }

    fn linear(&self, module: &str) -> Result<FrozenWeight, LoadError> {
        self.tensor(&format!("{module}.weight")).map(FrozenWeight::Dense)
    }

    fn norm(&self, module: &str, epsilon: f64) -> Result<RmsNorm, LoadError> {
        Ok(RmsNorm::new(self.tensor(&format!("{module}.weight"))?, epsilon))
    }

    fn tensor(&self, name: &str) -> Result<Tensor, LoadError> {
        let view = self.base.weights().tensor(name)?;
        let size: Vec<i64> = view.shape.iter().map(|size| *size as i64).collect();
        let made = match &view.data {
            WeightData::Expanded(values) => Tensor::f_from_slice(values)
                .and_then(|tensor| tensor.f_view(size.as_slice()))
                .and_then(|tensor| tensor.f_to_device_(self.device, self.kind, false, false)),
            WeightData::Stored(bytes) => self.stored(bytes, view.dtype, &size),
        };
        made.map_err(|source| LoadError::Torch { name: name.to_owned(), source })
    }

    /// A tensor over the mapped bytes where it may stay as it is, else a converted copy.
    fn stored(&self, bytes: &[u8], dtype: DataType, size: &[i64]) -> Result<Tensor, TchError> {
        let kind = match dtype {
            DataType::F32 => Kind::Float,
            DataType::F16 => Kind::Half,
            DataType::BF16 => Kind::BFloat16,
        };
        let tensor = if bytes.as_ptr().addr().is_multiple_of(dtype.bytes()) {
            over_mapped(bytes, size, kind)?
        } else {
            Tensor::f_from_data_size(bytes, size, kind)?
        };
        tensor.f_to_device_(self.device, self.kind, false, false)
    }
}

#[allow(unsafe_code)]
fn over_mapped(bytes: &[u8], size: &[i64], kind: Kind) -> Result<Tensor, TchError> {
    // SAFETY: the bytes lie in the base model's map, which the `Llama` that gets the tensor keeps open, are aligned
    // for `kind` and as many as `size` asks for (checked when the model was opened). Weights are never written.
    unsafe { Tensor::f_from_blob(bytes.as_ptr(), size, &[], kind, Device::Cpu) }
}

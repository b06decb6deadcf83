//! Weights under Hugging Face's names, whichever file they come from.

use std::borrow::Cow;
use std::collections::HashSet;

use half::{bf16, f16};

use super::weight_names::{expected, gguf_name};
use crate::base_model::{BaseModel, BaseModelError, Source};
use crate::gguf::{BlockType, GgufFile, TensorInfo};
use crate::safetensors::{DataType, SafetensorsFile};

/// One weight.
#[derive(Clone, Debug)]
pub struct WeightView<'a> {
    /// The number type of `data`.
    pub dtype: DataType,
    /// Sizes, outermost first: `[out, in]` for a linear layer.
    pub shape: Vec<usize>,
    /// The numbers in row-major order.
    pub data: WeightData<'a>,
}

/// A weight's numbers.
#[derive(Clone, Debug)]
pub enum WeightData<'a> {
    /// As they stand in the mapped file: little endian, of the view's type, not copied.
    Stored(&'a [u8]),
    /// Taken out of quantised blocks or put into another order; the view's type is F32.
    Expanded(Vec<f32>),
}

impl WeightView<'_> {
    /// The numbers in single precision (exact for every stored type).
    pub fn to_f32(&self) -> Cow<'_, [f32]> {
        match &self.data {
            WeightData::Expanded(values) => Cow::Borrowed(values),
            WeightData::Stored(bytes) => Cow::Owned(widen(self.dtype, bytes)),
        }
    }
}

fn widen(dtype: DataType, bytes: &[u8]) -> Vec<f32> {
    let pairs = || bytes.chunks_exact(2).map(|pair| [pair[0], pair[1]]);
    match dtype {
        DataType::F32 => {
            bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
        }
        DataType::F16 => pairs().map(|pair| f16::from_le_bytes(pair).to_f32()).collect(),
        DataType::BF16 => pairs().map(|pair| bf16::from_le_bytes(pair).to_f32()).collect(),
    }
}

/// All weights of a base model.
#[derive(Clone, Copy, Debug)]
pub struct Weights<'a> {
    model: &'a BaseModel,
}

impl<'a> Weights<'a> {
    pub(in crate::base_model) fn new(model: &'a BaseModel) -> Self {
        Self { model }
    }

    /// The weight with this Hugging Face name, such as `model.layers.0.self_attn.q_proj.weight`.
    pub fn tensor(self, name: &str) -> Result<WeightView<'a>, BaseModelError> {
        let found = match &self.model.source {
            Source::Gguf(gguf) => self.in_gguf(gguf, name),
            Source::HuggingFace { weights, .. } => self.in_safetensors(weights, name)?,
        };
        found.ok_or_else(|| self.error(name, "is missing".into()))
    }

    /// Every name that the model's shape calls for, with its shape.
    pub fn expected(self) -> Vec<(String, Vec<usize>)> {
        expected(self.model.shape())
    }

    /// Refuses a file in which an expected weight is absent, has another shape or an unknown number type, and one with
    /// a weight that nobody would read. Reads no weights.
    pub(in crate::base_model) fn check(self) -> Result<(), BaseModelError> {
        let all = self.expected();
        for (name, expected) in &all {
            let found = match &self.model.source {
                Source::Gguf(gguf) => {
                    gguf_name(name).and_then(|n| gguf.tensor(&n)).map(|tensor| &tensor.dims)
                }
                Source::HuggingFace { weights, .. } => weights.entries().get(name).map(|entry| &entry.shape),
            };
            match found {
                None => return Err(self.error(name, "is missing".into())),
                Some(dims) if dims != expected => {
                    return Err(self.error(name, format!("has the shape {dims:?} instead of {expected:?}")));
                }
                Some(_) => {}
            }
            if let Source::HuggingFace { weights, .. } = &self.model.source {
                self.in_safetensors(weights, name)?;
            }
        }
        match &self.model.source {
            Source::Gguf(gguf) => {
                let known: HashSet<String> = all.iter().filter_map(|(name, _)| gguf_name(name)).collect();
                self.refuse_unread(gguf.tensors().iter().map(|tensor| tensor.name.as_str()), |name| {
                    name == "rope_freqs.weight" || known.contains(name)
                })
            }
            Source::HuggingFace { weights, .. } => {
                let known: HashSet<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
                self.refuse_unread(weights.entries().keys().map(String::as_str), |name| {
                    known.contains(name) || self.is_harmless(name)
                })
            }
        }
    }

    /// Weights that a Llama does not read: tables of rotary frequencies that transformers 4.30 and older stored, a
    /// head that is the embedding again, and what other models than the Llama put beside it.
    fn is_harmless(self, name: &str) -> bool {
        name.ends_with(".rotary_emb.inv_freq")
            || (name == "lm_head.weight" && self.model.shape().tied_embeddings)
            || !(name.starts_with("model.") || name.starts_with("lm_head."))
    }

    fn refuse_unread<'n>(
        self,
        names: impl Iterator<Item = &'n str>,
        read: impl Fn(&str) -> bool,
    ) -> Result<(), BaseModelError> {
        let mut unread: Vec<&str> = names.filter(|name| !read(name)).collect();
        unread.sort_unstable();
        let Some(first) = unread.first() else { return Ok(()) };
        let more = if unread.len() > 1 { format!(" (and {} more)", unread.len() - 1) } else { String::new() };
        let problem = format!(
            "{more} is in the file and is not supported yet: without it the model computes something else"
        );
        Err(self.error(first, problem))
    }

    fn error(self, name: &str, problem: String) -> BaseModelError {
        let path = self.model.weight_file().to_path_buf();
        BaseModelError::Weight { path, name: name.to_owned(), problem }
    }

    fn in_safetensors(
        self,
        file: &'a SafetensorsFile,
        name: &str,
    ) -> Result<Option<WeightView<'a>>, BaseModelError> {
        let Some(entry) = file.entries().get(name) else { return Ok(None) };
        let Some(dtype) = SafetensorsFile::data_type(entry) else {
            let problem = format!("is stored as {}, which is not supported (F32, F16, BF16)", entry.dtype);
            return Err(self.error(name, problem));
        };
        Ok(Some(WeightView {
            dtype,
            shape: entry.shape.clone(),
            data: WeightData::Stored(file.bytes(entry)),
        }))
    }

    fn in_gguf(self, gguf: &'a GgufFile, name: &str) -> Option<WeightView<'a>> {
        let tensor = gguf.tensor(&gguf_name(name)?)?;
        let heads = permuted_heads(name, self.model);
        let (dtype, data) = match (stored_type(tensor), heads) {
            (Some(dtype), None) => (dtype, WeightData::Stored(gguf.bytes(tensor))),
            (_, None) => (DataType::F32, WeightData::Expanded(gguf.dequantize(tensor))),
            (_, Some(heads)) => {
                (DataType::F32, WeightData::Expanded(unpermute(&gguf.dequantize(tensor), heads, tensor)))
            }
        };
        Some(WeightView { dtype, shape: tensor.dims.clone(), data })
    }
}

fn stored_type(tensor: &TensorInfo) -> Option<DataType> {
    match tensor.block_type {
        BlockType::F32 => Some(DataType::F32),
        BlockType::F16 => Some(DataType::F16),
        BlockType::BF16 => Some(DataType::BF16),
        _ => None,
    }
}

/// The number of heads whose rows a GGUF file of architecture llama stores in another order.
fn permuted_heads(name: &str, model: &BaseModel) -> Option<usize> {
    if name.ends_with("self_attn.q_proj.weight") {
        Some(model.shape().heads)
    } else if name.ends_with("self_attn.k_proj.weight") {
        Some(model.shape().key_value_heads)
    } else {
        None
    }
}

/// Puts the rows of each head back into Hugging Face's order (halves) from llama.cpp's (interleaved pairs):
/// `convert_hf_to_gguf.py`'s `permute`, backwards.
fn unpermute(values: &[f32], heads: usize, tensor: &TensorInfo) -> Vec<f32> {
    let rows = tensor.dims.first().copied().unwrap_or(0);
    let columns = tensor.dims.get(1).copied().unwrap_or(1);
    let half = rows / heads / 2;
    let mut out = Vec::with_capacity(values.len());
    for row in 0..rows {
        let (head, within) = (row / (2 * half), row % (2 * half));
        let source = head * 2 * half + (within % half) * 2 + within / half;
        out.extend_from_slice(&values[source * columns..(source + 1) * columns]);
    }
    out
}

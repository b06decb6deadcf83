//! From captions to the text states that the UNet attends to.

use std::cell::RefCell;
use std::collections::HashMap;

use loradeck_data::tokenizer::clip::ClipTokenizer;
use tch::{Device, Kind, TchError, Tensor};

use crate::adapters::autograd::Context;
use crate::error::TrainError;
use crate::models::clip::ClipText;
use crate::models::flow::{Direct, Flow, Value};

/// States of at most this many captions are kept: at Stable Diffusion 1.5's size about 500 MB.
const MOST_KEPT: usize = 2048;

/// The text encoder with its tokenizer, and the states of captions that were asked for before.
#[derive(Debug)]
pub struct Conditioning {
    tokenizer: ClipTokenizer,
    /// The encoder.
    pub encoder: ClipText,
    clip_skip: u32,
    max_token_length: usize,
    device: Device,
    kind: Kind,
    trained: bool,
    kept: RefCell<HashMap<String, Tensor>>,
}

impl Conditioning {
    /// States in the number format `kind`; `trained` says whether the encoder carries adapters, so that none are kept.
    pub fn new(
        tokenizer: ClipTokenizer,
        encoder: ClipText,
        clip_skip: u32,
        max_token_length: u32,
        (device, kind): (Device, Kind),
        trained: bool,
    ) -> Self {
        let kept = RefCell::default();
        let max_token_length = max_token_length as usize;
        Self { tokenizer, encoder, clip_skip, max_token_length, device, kind, trained, kept }
    }

    /// The states `[captions, tokens, width]` of several captions. Of captions of more than one chunk the first chunk's
    /// begin, all chunks' inner tokens, and the last chunk's end are kept (as sd-scripts does for Stable Diffusion 1).
    pub fn states(&self, captions: &[String], context: &Context<'_>) -> Result<Tensor, TrainError> {
        if self.trained {
            return self.encode(captions, context);
        }
        let missing: Vec<String> = {
            let kept = self.kept.borrow();
            let mut missing: Vec<String> =
                captions.iter().filter(|caption| !kept.contains_key(*caption)).cloned().collect();
            missing.sort();
            missing.dedup();
            missing
        };
        // Not in larger groups: a caption's states must not depend on its company.
        for caption in missing {
            let states = self.encode(std::slice::from_ref(&caption), context)?;
            let mut kept = self.kept.borrow_mut();
            if kept.len() >= MOST_KEPT {
                kept.clear();
            }
            kept.insert(caption, states);
        }
        let kept = self.kept.borrow();
        let all: Vec<&Tensor> = captions.iter().filter_map(|caption| kept.get(caption)).collect();
        if all.len() == captions.len() {
            return Ok(Tensor::f_cat(&all, 0)?);
        }
        drop(kept);
        self.encode(captions, context)
    }

    fn encode(&self, captions: &[String], context: &Context<'_>) -> Result<Tensor, TrainError> {
        Ok(self.run(captions, &mut Direct(context))?.tensor().shallow_clone())
    }

    /// The states as [`states`](Self::states) gives them for a trained encoder, layer by layer through `flow`.
    pub fn run<'a>(&'a self, captions: &[String], flow: &mut impl Flow<'a>) -> Result<Value, TrainError> {
        let mut chunks: Vec<Vec<Vec<u32>>> = Vec::with_capacity(captions.len());
        for caption in captions {
            chunks.push(self.tokenizer.chunks(caption, self.max_token_length)?.ids);
        }
        let count = chunks.first().map_or(0, Vec::len);
        let mut parts = Vec::with_capacity(count);
        for number in 0..count {
            let ids: Vec<i64> = chunks
                .iter()
                .filter_map(|chunks| chunks.get(number))
                .flatten()
                .map(|id| i64::from(*id))
                .collect();
            let ids = Tensor::f_from_slice(&ids)?.f_view([captions.len() as i64, -1])?;
            let ids = ids.f_to_device_(self.device, Kind::Int64, false, false)?;
            parts.push(self.encoder.run(&ids, self.clip_skip, flow)?);
        }
        Ok(flow.run_on_all(&parts, |parts, _| join(parts)?.f_to_kind(self.kind))?)
    }

    /// Forgets the states that are kept: the encoder has changed.
    pub fn forget(&self) {
        self.kept.borrow_mut().clear();
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &ClipTokenizer {
        &self.tokenizer
    }
}

/// One chunk as it is; of several the begin of the first, the inner tokens of all, the end of the last.
fn join(parts: &[&Tensor]) -> Result<Tensor, TchError> {
    let [first, .., last] = parts else {
        return parts.first().map_or_else(
            || Tensor::f_zeros([0], (Kind::Float, Device::Cpu)),
            |only| Ok(only.shallow_clone()),
        );
    };
    let length = first.size().get(1).copied().unwrap_or(0);
    let mut joined = vec![first.f_narrow(1, 0, 1)?];
    for part in parts {
        joined.push(part.f_narrow(1, 1, length - 2)?);
    }
    joined.push(last.f_narrow(1, length - 1, 1)?);
    Tensor::f_cat(&joined, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_keep_one_begin_and_one_end() {
        let part = |numbers: &[f32]| Tensor::from_slice(numbers).view([1, 4, 1]);
        let joined = join(&[&part(&[0.0, 1.0, 2.0, 9.0]), &part(&[0.5, 3.0, 4.0, 8.0])]).unwrap();
        assert_eq!(joined.size(), [1, 6, 1]);
        assert_eq!(Vec::<f32>::try_from(joined.view(-1)).unwrap(), [0.0, 1.0, 2.0, 3.0, 4.0, 8.0]);
        assert_eq!(join(&[&part(&[1.0; 4])]).unwrap().size(), [1, 4, 1]);
    }
}

//! Keys and values of tokens already seen, so that each new token costs one row per sample.

use tch::{Kind, TchError, Tensor};

use super::layout::Layout;
use super::model::Llama;

const NO_MASK: Option<Tensor> = None;

/// The keys and values of all layers, `[samples, key_value_heads, capacity, head_dim]` each.
#[derive(Debug)]
pub struct KeyValueCache {
    layers: Vec<(Tensor, Tensor)>,
    samples: Tensor,
}

impl Llama {
    /// Runs prompts (`ids` `[samples · length]`, padded on the right) and keeps their keys and values in a cache for
    /// `capacity` tokens per sample. Gives the logits `[samples, vocabulary]` at the rows `last` (int64 `[samples]`).
    pub fn prefill(
        &self,
        ids: &Tensor,
        samples: i64,
        length: i64,
        capacity: i64,
        last: &Tensor,
    ) -> Result<(Tensor, KeyValueCache), TchError> {
        let device = ids.device();
        let layout = Layout { samples, length, packing: None };
        let positions = Tensor::f_arange(length, (Kind::Int64, device))?.f_repeat([samples])?;
        let turns = self.rope.turns(&positions)?;
        let mut x = self.embedding.rows(ids)?;
        let mut layers = Vec::with_capacity(self.layers.len());
        for layer in &self.layers {
            let heads = layer.heads(&x, &turns)?;
            let [query, key, value] = [&heads.query, &heads.key, &heads.value].map(|t| layout.spread(t));
            let (query, key, value) = (query?, key?, value?);
            let out =
                Tensor::f_scaled_dot_product_attention(&query, &key, &value, NO_MASK, 0.0, true, None, true)?;
            layers.push((room(&key, capacity)?, room(&value, capacity)?));
            x = layer.finish(&x, layout.gather(&out)?.f_reshape([samples * length, -1])?)?;
        }
        let logits = self.head.logits(&x.f_index_select(0, last)?)?;
        let samples = Tensor::f_arange(samples, (Kind::Int64, device))?;
        Ok((logits, KeyValueCache { layers, samples }))
    }

    /// Runs one more token per sample (`ids`, at `positions`, both int64 `[samples]`), none of them beyond
    /// `longest`; logits `[samples, vocabulary]`.
    pub fn decode(
        &self,
        ids: &Tensor,
        positions: &Tensor,
        longest: i64,
        cache: &mut KeyValueCache,
    ) -> Result<Tensor, TchError> {
        let turns = self.rope.turns(positions)?;
        let seen = longest + 1;
        let places = Tensor::f_arange(seen, (Kind::Int64, ids.device()))?.f_unsqueeze(0)?;
        let mask = places.f_le_tensor(&positions.f_unsqueeze(1)?)?.f_unsqueeze(1)?.f_unsqueeze(1)?;
        let at = [Some(cache.samples.shallow_clone()), None, Some(positions.shallow_clone())];
        let mut x = self.embedding.rows(ids)?;
        for (layer, (keys, values)) in self.layers.iter().zip(&mut cache.layers) {
            let heads = layer.heads(&x, &turns)?;
            let _ = keys.f_index_put_(&at, &heads.key, false)?;
            let _ = values.f_index_put_(&at, &heads.value, false)?;
            let out = Tensor::f_scaled_dot_product_attention(
                &heads.query.f_unsqueeze(2)?,
                &keys.f_narrow(2, 0, seen)?,
                &values.f_narrow(2, 0, seen)?,
                Some(&mask),
                0.0,
                false,
                None,
                true,
            )?;
            x = layer.finish(&x, out.f_reshape([x.size2()?.0, -1])?)?;
        }
        self.head.logits(&x)
    }
}

/// `x` with its length extended to `capacity`.
fn room(x: &Tensor, capacity: i64) -> Result<Tensor, TchError> {
    let (samples, heads, length, width) = x.size4()?;
    let out = Tensor::f_zeros([samples, heads, capacity.max(length), width], (x.kind(), x.device()))?;
    out.f_narrow(2, 0, length)?.f_copy_(x)?;
    Ok(out)
}

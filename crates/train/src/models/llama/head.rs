//! The end of the model: final norm, output head and cross-entropy, computed only for rows that are in the loss and in
//! chunks, so that logits of many rows never exist at once.

use tch::{Kind, TchError, Tensor};

use super::norm::RmsNorm;
use crate::models::frozen_weight::FrozenWeight;

/// Logits of at most this many numbers exist at once.
const CHUNK_NUMBERS: i64 = 1 << 25;

/// The rows in the loss. A row may stand here as padding, with weight 0.
#[derive(Debug)]
pub struct Targets {
    /// Which rows predict, int64 `[targets]`.
    pub rows: Tensor,
    /// What comes next at each of them, int64 `[targets]`.
    pub labels: Tensor,
    /// 1 for a real target, 0 for padding, fp32 `[targets]`.
    pub weights: Tensor,
    /// What the sum of losses is multiplied by, a fp32 number: 1 / trained tokens of the whole step.
    pub factor: Tensor,
}

#[derive(Debug)]
pub(crate) struct Head {
    pub(super) norm: RmsNorm,
    pub(super) weight: FrozenWeight,
}

impl Head {
    /// Logits `[rows, vocabulary]` of the hidden rows.
    pub(crate) fn logits(&self, hidden: &Tensor) -> Result<Tensor, TchError> {
        self.weight.forward(&self.norm.forward(hidden)?.0)
    }

    /// The weighted loss: `factor · Σ weight · −log p(label)`, a fp32 number.
    pub(crate) fn loss(&self, hidden: &Tensor, targets: &Targets) -> Result<Tensor, TchError> {
        let chosen = hidden.f_index_select(0, &targets.rows)?;
        let (normed, _) = self.norm.forward(&chosen)?;
        let mut total = Tensor::f_zeros([] as [i64; 0], (Kind::Float, hidden.device()))?;
        for (start, length) in self.chunks(&targets.rows)? {
            let logits = self.weight.forward(&normed.f_narrow(0, start, length)?)?;
            let chunk = Chunk::of(targets, start, length)?;
            total = total.f_add(&chunk.loss(&log_probabilities(&logits)?)?)?;
        }
        Ok(total)
    }

    /// The weighted loss and its gradient for all hidden rows.
    pub(crate) fn loss_with_gradient(
        &self,
        hidden: &Tensor,
        targets: &Targets,
    ) -> Result<(Tensor, Tensor), TchError> {
        let chosen = hidden.f_index_select(0, &targets.rows)?;
        let (normed, scale) = self.norm.forward(&chosen)?;
        let mut total = Tensor::f_zeros([] as [i64; 0], (Kind::Float, hidden.device()))?;
        let d_normed = normed.f_empty_like()?;
        for (start, length) in self.chunks(&targets.rows)? {
            let logits = self.weight.forward(&normed.f_narrow(0, start, length)?)?;
            let kind = logits.kind();
            let probabilities = log_probabilities(&logits)?;
            drop(logits);
            let chunk = Chunk::of(targets, start, length)?;
            total = total.f_add(&chunk.loss(&probabilities)?)?;
            let gradient = chunk.gradient(probabilities)?.f_totype(kind)?;
            let d_chunk = self.weight.backward_input(&gradient)?;
            d_normed.f_narrow(0, start, length)?.f_copy_(&d_chunk)?;
        }
        let zeros = chosen.f_zeros_like()?;
        let d_chosen = self.norm.add_backward(d_normed, &chosen, &scale, zeros)?;
        let mut d_hidden = hidden.f_zeros_like()?;
        // Padding targets repeat a row, with a gradient of zero: hence add, not copy.
        let _ = d_hidden.f_index_add_(0, &targets.rows, &d_chosen)?;
        Ok((total, d_hidden))
    }

    fn chunks(&self, rows: &Tensor) -> Result<Vec<(i64, i64)>, TchError> {
        let count = rows.size1()?;
        let per_chunk = (CHUNK_NUMBERS / self.weight.size()?.0.max(1)).max(1);
        Ok((0..count)
            .step_by(usize::try_from(per_chunk).unwrap_or(1))
            .map(|start| (start, per_chunk.min(count - start)))
            .collect())
    }
}

struct Chunk {
    labels: Tensor,
    weights: Tensor,
}

impl Chunk {
    /// Labels and weights as columns; the weights multiplied by the targets' factor.
    fn of(targets: &Targets, start: i64, length: i64) -> Result<Self, TchError> {
        let labels = targets.labels.f_narrow(0, start, length)?.f_unsqueeze(1)?;
        let weights = targets.weights.f_narrow(0, start, length)?.f_mul(&targets.factor)?.f_unsqueeze(1)?;
        Ok(Self { labels, weights })
    }

    fn loss(&self, log_probabilities: &Tensor) -> Result<Tensor, TchError> {
        let own = log_probabilities.f_gather(1, &self.labels, false)?;
        own.f_mul(&self.weights)?.f_sum(Kind::Float)?.f_neg()
    }

    /// `weight · (p − one-hot)`, written over the log probabilities.
    fn gradient(&self, mut log_probabilities: Tensor) -> Result<Tensor, TchError> {
        let mut gradient = log_probabilities.f_exp_()?.f_mul_(&self.weights)?;
        gradient.f_scatter_add_(1, &self.labels, &self.weights.f_neg()?)
    }
}

fn log_probabilities(logits: &Tensor) -> Result<Tensor, TchError> {
    logits.f_log_softmax(-1, Kind::Float)
}

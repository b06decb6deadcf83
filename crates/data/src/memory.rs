//! How much memory a training will take, reckoned from sizes alone: an estimate to plan by, not a measurement. It
//! takes every batch to hold only samples of the greatest length, so it is rather too high: on the demo's model and 192
//! short chats, trainings on the CPU peaked at 81 % (batches of 4) and 74 % (batches of 12) of it.

use serde::{Deserialize, Serialize};

use crate::base_model::{LlamaShape, PROJECTIONS};

/// Bytes of an adapter parameter: a fp32 weight, its gradient, and `AdamW`'s two moments.
const BYTES_PER_ADAPTER_PARAMETER: u64 = 16;
/// The program itself with libtorch and its buffers, in bytes.
const PROGRAM: u64 = 350 << 20;
/// Copies of the logits in fp32: themselves, their softmax, their gradient.
const LOGIT_COPIES: u64 = 3;

/// What an estimate is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryRequest {
    /// Bytes of a base weight and of an activation: 4 for fp32, 2 for bf16.
    pub bytes_per_number: u64,
    /// Samples per micro-batch.
    pub batch_size: u64,
    /// Tokens of the longest sample.
    pub longest: u64,
    /// Tokens of one sample that the loss counts, at most.
    pub longest_trained: u64,
    /// Trained parameters.
    pub adapter_parameters: u64,
}

/// Bytes by purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryEstimate {
    /// The frozen base.
    pub base: u64,
    /// Adapters with gradients and optimizer state.
    pub adapters: u64,
    /// What the forward pass keeps for the backward pass.
    pub activations: u64,
    /// Logits, softmax and gradient.
    pub logits: u64,
    /// The program itself.
    pub program: u64,
    /// All of them.
    pub total: u64,
}

/// Estimates the peak of a training step without gradient checkpointing and with fused attention.
pub fn estimate(shape: &LlamaShape, request: MemoryRequest) -> MemoryEstimate {
    let tokens = request.batch_size * request.longest;
    let projected = (shape.heads + 2 * shape.key_value_heads) * shape.head_dim;
    // Per token and layer: both norms' inputs and outputs, residuals and attention's output; queries, keys and values
    // before and after rotation; gate, up, activation and their product.
    let kept = 7 * shape.hidden_size + 2 * projected + 4 * shape.intermediate_size;
    let activations = tokens * (shape.layers * kept) as u64 * request.bytes_per_number;
    let targets = request.batch_size * request.longest_trained;
    let logits = targets * shape.vocabulary as u64 * 4 * LOGIT_COPIES;
    let base = shape.parameters() * request.bytes_per_number;
    let adapters = request.adapter_parameters * BYTES_PER_ADAPTER_PARAMETER;
    let total = base + adapters + activations + logits + PROGRAM;
    MemoryEstimate { base, adapters, activations, logits, program: PROGRAM, total }
}

/// The number of trained parameters of adapters of `rank` on these modules.
pub fn adapter_parameters(shape: &LlamaShape, modules: &[String], rank: u64) -> u64 {
    let (hidden, inner) = (shape.hidden_size, shape.intermediate_size);
    let (queries, keys) = (shape.heads * shape.head_dim, shape.key_value_heads * shape.head_dim);
    let sizes = [
        hidden + queries,
        hidden + keys,
        hidden + keys,
        queries + hidden,
        hidden + inner,
        hidden + inner,
        inner + hidden,
    ];
    let size_of = |module: &String| {
        let place = PROJECTIONS.iter().position(|projection| module.ends_with(projection));
        place.map_or(0, |place| sizes[place])
    };
    modules.iter().map(size_of).sum::<usize>() as u64 * rank
}

#[cfg(test)]
mod tests {
    use loradeck_core::config::LoraTargets;

    use super::*;
    use crate::base_model::projection_names;
    use crate::lora_targets;

    fn smollm2() -> LlamaShape {
        LlamaShape {
            hidden_size: 576,
            intermediate_size: 1536,
            layers: 30,
            heads: 9,
            key_value_heads: 3,
            head_dim: 64,
            rms_norm_epsilon: 1e-5,
            rope_theta: 100_000.0,
            rope_scaling: None,
            vocabulary: 49_152,
            max_positions: 8192,
            tied_embeddings: true,
        }
    }

    #[test]
    fn parameters_are_those_that_peft_counts() {
        let all = projection_names(&smollm2());
        let count = |targets| {
            let chosen = lora_targets::resolve(&targets, &all).unwrap();
            let names: Vec<String> = chosen.into_iter().map(|index| all[index].clone()).collect();
            adapter_parameters(&smollm2(), &names, 8)
        };
        let preset = |name: &str| LoraTargets::Preset(name.into());
        // 30 · 8 · (576 + 576) for q, 30 · 8 · (576 + 192) for k and v each.
        assert_eq!(count(preset("qkv")), 276_480 + 2 * 184_320);
        assert_eq!(count(preset("character")), 276_480 + 184_320);
        assert_eq!(count(preset("attention")), 2 * 276_480 + 2 * 184_320);
        assert_eq!(count(preset("all-linear")), 2 * 276_480 + 2 * 184_320 + 3 * 30 * 8 * 2112);
        assert_eq!(count(LoraTargets::List(vec!["q_proj".into()])), 276_480);
        assert_eq!(count(preset(r".*\.1\..*q_proj")), 276_480 / 30, "a pattern counts what it fits");
        assert_eq!(smollm2().parameters(), 134_515_008);
    }

    #[test]
    fn more_of_anything_takes_more() {
        let request = MemoryRequest {
            bytes_per_number: 4,
            batch_size: 8,
            longest: 65,
            longest_trained: 40,
            adapter_parameters: 645_120,
        };
        let base = estimate(&smollm2(), request);
        assert_eq!(base.base, 134_515_008 * 4);
        let parts = [base.base, base.adapters, base.activations, base.logits, base.program];
        assert_eq!(base.total, parts.iter().sum::<u64>());
        for larger in [
            MemoryRequest { batch_size: 9, ..request },
            MemoryRequest { longest: 66, ..request },
            MemoryRequest { longest_trained: 41, ..request },
            MemoryRequest { adapter_parameters: 645_121, ..request },
        ] {
            assert!(estimate(&smollm2(), larger).total > base.total);
        }
        assert!(estimate(&smollm2(), MemoryRequest { bytes_per_number: 2, ..request }).total < base.total);
    }
}

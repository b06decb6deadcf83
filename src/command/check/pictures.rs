//! What `loradeck check` tells of a training on pictures.

use loradeck_data::image_summary::{AdapterRow, ImageCheckSummary};

use super::{bytes, millions};

/// Base model, adapters and pictures: each is told once for all trials that share it.
pub(super) fn parts(summary: &ImageCheckSummary, gpu_memory: Option<u64>) -> Vec<Vec<String>> {
    let mut parts =
        vec![vec![base(summary)], adapters(summary), vec![memory(summary)], summary.pictures.lines()];
    if summary.pictures.held_out_images == 0 {
        parts.push(vec![
            "note: no picture is held out, so that no figure will say which run is better: sample pictures will (or \
             hold some out: eval_split)"
                .to_owned(),
        ]);
    }
    parts.extend(gpu_memory.filter(|memory| *memory < summary.memory.total).map(|there| {
        let (wanted, there) = (bytes(summary.memory.total), bytes(there));
        vec![format!(
            "note: about {wanted} may not fit into the GPU's {there}: lower batch_size or resolution"
        )]
    }));
    parts
}

fn base(summary: &ImageCheckSummary) -> String {
    format!(
        "base model: {} ({}, {}, {}, {} parameters, {})",
        summary.base_model,
        summary.base_model_name,
        summary.base_model_kind,
        summary.base_model_version,
        millions(summary.base_parameters),
        bytes(summary.base_model_size)
    )
}

fn adapters(summary: &ImageCheckSummary) -> Vec<String> {
    let mut lines = vec![format!(
        "trained: {}; {} modules, {} parameters",
        summary.parts(),
        summary.adapter_modules,
        millions(summary.adapter_parameters)
    )];
    lines.extend(summary.adapters.iter().map(adapter));
    lines.push(
        "  the file holds this strength: a weight of 1, as in <lora:NAME:1>, is what was trained; 0.5 is half of it"
            .to_owned(),
    );
    lines
}

fn memory(summary: &ImageCheckSummary) -> String {
    let memory = &summary.memory;
    format!(
        "memory: about {} (base {}, adapters {}, activations {}, program {})",
        bytes(memory.total),
        bytes(memory.base),
        bytes(memory.adapters),
        bytes(memory.activations),
        bytes(memory.program)
    )
}

/// `  unet: rank 8, alpha 16: strength 2 (alpha / rank), 32 modules`.
fn adapter(row: &AdapterRow) -> String {
    let AdapterRow { part, rank, alpha, strength, modules, .. } = row;
    let strength = format!("{strength:.4}");
    let strength = strength.trim_end_matches('0').trim_end_matches('.');
    format!("  {part}: rank {rank}, alpha {alpha}, so strength {strength} (alpha / rank), {modules} modules")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strength_is_alpha_by_rank() {
        let row = AdapterRow {
            part: "unet".into(),
            rank: 8,
            alpha: 16.0,
            strength: 2.0,
            modules: 128,
            parameters: 1,
        };
        assert_eq!(adapter(&row), "  unet: rank 8, alpha 16, so strength 2 (alpha / rank), 128 modules");
        let third = AdapterRow { rank: 3, alpha: 1.0, strength: 1.0 / 3.0, ..row };
        assert!(adapter(&third).contains("strength 0.3333 "));
    }
}

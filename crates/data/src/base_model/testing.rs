//! Small base models for tests.

use std::path::Path;

use crate::safetensors::DataType;
use crate::safetensors::testing::build;

/// A tiny Llama's config.json.
pub(crate) fn config() -> serde_json::Value {
    serde_json::json!({
        "model_type": "llama", "hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": 1,
        "num_attention_heads": 2, "num_key_value_heads": 1, "rms_norm_eps": 1e-5, "rope_theta": 100_000.0,
        "vocab_size": 10, "max_position_embeddings": 64, "tie_word_embeddings": true, "hidden_act": "silu",
    })
}

/// Writes a folder with this config and weights that count up, in BF16; its embedding has ten rows.
pub(crate) fn write_folder(folder: &Path, config: &serde_json::Value) {
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join("config.json"), config.to_string()).unwrap();
    write_weights(folder, 10);
}

/// Gives such a folder an embedding of so many rows.
pub(crate) fn grow_vocabulary(folder: &Path, rows: usize) {
    let path = folder.join("config.json");
    let mut config: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    config["vocab_size"] = rows.into();
    std::fs::write(path, config.to_string()).unwrap();
    write_weights(folder, rows);
}

fn write_weights(folder: &Path, rows: usize) {
    let sizes = [
        ("model.embed_tokens.weight", vec![rows, 8]),
        ("model.layers.0.input_layernorm.weight", vec![8]),
        ("model.layers.0.self_attn.q_proj.weight", vec![8, 8]),
        ("model.layers.0.self_attn.k_proj.weight", vec![4, 8]),
        ("model.layers.0.self_attn.v_proj.weight", vec![4, 8]),
        ("model.layers.0.self_attn.o_proj.weight", vec![8, 8]),
        ("model.layers.0.post_attention_layernorm.weight", vec![8]),
        ("model.layers.0.mlp.gate_proj.weight", vec![16, 8]),
        ("model.layers.0.mlp.up_proj.weight", vec![16, 8]),
        ("model.layers.0.mlp.down_proj.weight", vec![8, 16]),
        ("model.norm.weight", vec![8]),
    ];
    let tensors: Vec<_> = sizes
        .into_iter()
        .map(|(name, shape)| {
            let count = shape.iter().product::<usize>();
            let bytes = (0..count).flat_map(|i| half::bf16::from_f32(i as f32).to_le_bytes()).collect();
            (name, DataType::BF16, shape, bytes)
        })
        .collect();
    std::fs::write(folder.join("model.safetensors"), build(&tensors)).unwrap();
}

//! A tiny Llama and conversations for it, enough for a real training of moments; made without libtorch.

use std::fs;
use std::path::Path;

use serde_json::{Map, json};

const WORDS: [&str; 6] = ["user", "assistant", "where", "is", "the", "cat"];

/// Writes a model into `folder`.
pub(crate) fn write_model(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    let config = json!({
        "model_type": "llama", "hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": 1,
        "num_attention_heads": 2, "num_key_value_heads": 1, "rms_norm_eps": 1e-5, "rope_theta": 10_000.0,
        "vocab_size": 10, "max_position_embeddings": 64, "tie_word_embeddings": true, "hidden_act": "silu",
        "eos_token_id": 2,
    });
    fs::write(folder.join("config.json"), config.to_string()).unwrap();
    write_weights(&folder.join("model.safetensors"));
    write_tokenizer(folder);
}

/// Writes `count` conversations.
pub(crate) fn write_data(path: &Path, count: usize) {
    let turn = |role: &str, content: &str| json!({"role": role, "content": content});
    let line = json!({"messages": [turn("user", "where is the cat"), turn("assistant", "the cat is where")]});
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, format!("{line}\n").repeat(count)).unwrap();
}

/// Small numbers that look random and are the same each time, ones for the norms, as a safetensors file has them.
fn write_weights(path: &Path) {
    let sizes: [(&str, &[usize]); 11] = [
        ("model.embed_tokens.weight", &[10, 8]),
        ("model.layers.0.input_layernorm.weight", &[8]),
        ("model.layers.0.self_attn.q_proj.weight", &[8, 8]),
        ("model.layers.0.self_attn.k_proj.weight", &[4, 8]),
        ("model.layers.0.self_attn.v_proj.weight", &[4, 8]),
        ("model.layers.0.self_attn.o_proj.weight", &[8, 8]),
        ("model.layers.0.post_attention_layernorm.weight", &[8]),
        ("model.layers.0.mlp.gate_proj.weight", &[16, 8]),
        ("model.layers.0.mlp.up_proj.weight", &[16, 8]),
        ("model.layers.0.mlp.down_proj.weight", &[8, 16]),
        ("model.norm.weight", &[8]),
    ];
    let mut header = Map::new();
    let mut weights: Vec<u8> = Vec::new();
    for (name, shape) in sizes {
        let begin = weights.len();
        let numbers = (begin..).take(shape.iter().product());
        weights.extend(numbers.flat_map(|at| {
            let number = if name.ends_with("norm.weight") { 1.0 } else { (at as f32 * 1.7).sin() * 0.3 };
            // bf16 is the upper half of an f32.
            ((number.to_bits() >> 16) as u16).to_le_bytes()
        }));
        let end = weights.len();
        header
            .insert(name.to_owned(), json!({"dtype": "BF16", "shape": shape, "data_offsets": [begin, end]}));
    }
    let mut header = serde_json::to_vec(&header).unwrap();
    header.resize(header.len().next_multiple_of(8), b' ');
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header);
    bytes.extend(weights);
    fs::write(path, bytes).unwrap();
}

fn write_tokenizer(folder: &Path) {
    let special = ["<unk>", "<|im_start|>", "<|im_end|>", "<pad>"];
    let mut vocabulary = Map::new();
    for (id, token) in special.iter().chain(&WORDS).enumerate() {
        vocabulary.insert((*token).to_owned(), json!(id));
    }
    let added = |(id, token): (usize, &&str)| {
        json!({"id": id, "content": token, "single_word": false, "lstrip": false, "rstrip": false,
               "normalized": false, "special": true})
    };
    let added: Vec<_> = special.iter().enumerate().map(added).collect();
    let tokenizer = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": added, "normalizer": null,
        "pre_tokenizer": {"type": "Whitespace"}, "post_processor": null, "decoder": null,
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "<unk>"},
    });
    fs::write(folder.join("tokenizer.json"), tokenizer.to_string()).unwrap();
    let template = "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + \
                    '<|im_end|>' + '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";
    let config = json!({"eos_token": "<|im_end|>", "pad_token": "<pad>", "chat_template": template});
    fs::write(folder.join("tokenizer_config.json"), config.to_string()).unwrap();
}

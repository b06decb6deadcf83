//! Tests of finding a model, reading its shape and handing out its weights.

use serde_json::json;

use super::testing::{config, write_folder};
use super::*;
use crate::gguf::testing::Builder;
use crate::safetensors::DataType;

fn with(key: &str, value: serde_json::Value) -> serde_json::Value {
    let mut config = config();
    config[key] = value;
    config
}

fn shape_of(config: &serde_json::Value) -> Result<LlamaShape, String> {
    shape_hugging_face::read(config, Path::new("config.json")).map_err(|error| error.to_string())
}

#[test]
fn a_folder_gives_shape_and_weights_without_a_copy() {
    let root = tempfile::tempdir().unwrap();
    write_folder(&root.path().join("m"), &config());
    let model = BaseModel::find(root.path(), "m").unwrap();
    assert_eq!(
        (model.kind(), model.shape().head_dim, model.shape().key_value_heads),
        (BaseModelKind::HuggingFace, 4, 1)
    );
    let view = model.weights().tensor("model.layers.0.self_attn.k_proj.weight").unwrap();
    assert_eq!((view.dtype, view.shape.as_slice()), (DataType::BF16, [4, 8].as_slice()));
    assert!(matches!(view.data, WeightData::Stored(_)));
    assert_eq!(view.to_f32()[..3], [0.0, 1.0, 2.0]);
    assert_eq!(model.peft_name(), root.path().join("m").to_string_lossy());
    assert_eq!(model.name(), "m", "the same wherever it lies");
    assert_eq!((model.header_hash().len(), model.full_hash().len()), (64, 64));
    assert_ne!(model.header_hash(), model.full_hash());
    let counted: u64 =
        model.weights().expected().iter().map(|(_, s)| s.iter().product::<usize>() as u64).sum();
    assert_eq!(model.shape().parameters(), counted);
}

#[test]
fn both_spellings_of_rotary_scaling_are_read() {
    let scaling = json!({"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                         "original_max_position_embeddings": 8192});
    let old = shape_of(&with("rope_scaling", scaling.clone())).unwrap();
    let mut parameters = scaling;
    parameters["rope_theta"] = json!(100_000.0);
    let mut new = with("rope_parameters", parameters);
    new.as_object_mut().unwrap().remove("rope_theta");
    assert_eq!(shape_of(&new).unwrap(), old);
    assert!(matches!(old.rope_scaling, Some(RopeScaling::Llama3(_))));
}

#[test]
fn llama_3_stretches_only_low_frequencies() {
    let mut shape = shape_of(&config()).unwrap();
    shape.head_dim = 128;
    shape.rope_theta = 500_000.0;
    let plain = shape.inverse_frequencies();
    shape.rope_scaling = Some(RopeScaling::Llama3(Llama3Scaling {
        factor: 8.0,
        low_frequency_factor: 1.0,
        high_frequency_factor: 4.0,
        original_max_positions: 8192.0,
    }));
    let scaled = shape.inverse_frequencies();
    assert_eq!((plain.len(), scaled[0], scaled[63] * 8.0), (64, 1.0, plain[63]));
    let between = scaled.iter().zip(&plain).filter(|(s, p)| **s < **p && **s > **p / 8.0 * 1.000_001).count();
    assert!(between > 0);
    shape.rope_scaling = Some(RopeScaling::Factors(vec![2.0; 64]));
    assert!((shape.inverse_frequencies()[5] * 2.0 - plain[5]).abs() < 1e-12);
}

#[test]
fn what_is_not_supported_is_said() {
    for (key, value, expected) in [
        ("model_type", json!("mistral"), "model_type 'mistral' is not supported yet"),
        ("model_type", json!("qwen2"), "model_type 'qwen2' is not supported yet"),
        ("attention_bias", json!(true), "attention_bias is not supported yet"),
        ("hidden_act", json!("gelu"), "hidden_act 'gelu'"),
        ("rope_scaling", json!({"type": "yarn", "factor": 4.0}), "rotary scaling 'yarn'"),
        ("hidden_size", json!("wide"), "'hidden_size' is missing or not usable"),
        ("num_key_value_heads", json!(3), "2 heads cannot share 3"),
        ("vocab_size", json!(1u64 << 40), "absurdly large"),
    ] {
        let error = shape_of(&with(key, value)).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_wrong_path_says_what_was_found() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path();
    std::fs::create_dir(path.join("empty")).unwrap();
    std::fs::create_dir(path.join("with_gguf")).unwrap();
    std::fs::write(path.join("with_gguf/a.gguf"), b"").unwrap();
    std::fs::write(path.join("x.safetensors"), b"").unwrap();
    std::fs::create_dir(path.join("split")).unwrap();
    std::fs::write(path.join("split/config.json"), config().to_string()).unwrap();
    std::fs::write(path.join("split/model.safetensors.index.json"), b"{}").unwrap();
    for (text, expected) in [
        ("none.gguf", "'none.gguf' was not found"),
        ("meta-llama/Llama-3.2-1B", "model ids of the Hugging Face hub are not supported yet"),
        ("empty", "holds no config.json"),
        ("with_gguf", "name that file itself"),
        ("x.safetensors", "single .safetensors file is an image model"),
        ("split", "split over several files"),
        ("with_gguf/a.gguf", "does not begin with 'GGUF'"),
    ] {
        let error = BaseModel::find(path, text).unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn a_weight_of_another_shape_is_refused() {
    let root = tempfile::tempdir().unwrap();
    write_folder(&root.path().join("m"), &with("vocab_size", json!(11)));
    let error = BaseModel::find(root.path(), "m").unwrap_err().to_string();
    assert!(
        error.contains("'model.embed_tokens.weight' has the shape [10, 8] instead of [11, 8]"),
        "{error}"
    );
}

/// The GGUF twin of a folder: names mapped, q and k rows permuted as `convert_hf_to_gguf.py` does.
fn gguf_twin(folder: &BaseModel) -> Vec<u8> {
    let shape = folder.shape();
    let mut builder = Builder::default()
        .text("general.architecture", "llama")
        .text("general.name", "Tiny")
        .u32("llama.block_count", shape.layers as u32)
        .u32("llama.embedding_length", shape.hidden_size as u32)
        .u32("llama.feed_forward_length", shape.intermediate_size as u32)
        .u32("llama.attention.head_count", shape.heads as u32)
        .u32("llama.attention.head_count_kv", shape.key_value_heads as u32)
        .u32("llama.context_length", shape.max_positions as u32)
        .f32("llama.attention.layer_norm_rms_epsilon", 1e-5)
        .f32("llama.rope.freq_base", 100_000.0);
    for (name, dims) in folder.weights().expected() {
        let mut values = folder.weights().tensor(&name).unwrap().to_f32().into_owned();
        if name.contains("q_proj") || name.contains("k_proj") {
            let heads = if name.contains("q_proj") { shape.heads } else { shape.key_value_heads };
            values = permute(&values, heads, dims[0], dims[1]);
        }
        builder = builder.f32_tensor(&weights::gguf_name(&name).unwrap(), &dims, &values);
    }
    builder.finish()
}

/// `reshape(heads, 2, half, columns).swapaxes(1, 2)`.
fn permute(values: &[f32], heads: usize, rows: usize, columns: usize) -> Vec<f32> {
    let half = rows / heads / 2;
    let mut out = vec![0.0; values.len()];
    for head in 0..heads {
        for side in 0..2 {
            for pair in 0..half {
                let from = (head * 2 + side) * half + pair;
                let to = (head * half + pair) * 2 + side;
                out[to * columns..][..columns].copy_from_slice(&values[from * columns..][..columns]);
            }
        }
    }
    out
}

#[test]
fn a_gguf_file_gives_the_same_weights_as_its_folder() {
    let root = tempfile::tempdir().unwrap();
    write_folder(&root.path().join("m"), &config());
    let folder = BaseModel::find(root.path(), "m").unwrap();
    std::fs::write(root.path().join("m.gguf"), gguf_twin(&folder)).unwrap();
    let gguf = BaseModel::find(root.path(), "m.gguf").unwrap();
    assert_eq!(gguf.shape(), folder.shape());
    for (name, dims) in folder.weights().expected() {
        let (ours, theirs) = (gguf.weights().tensor(&name).unwrap(), folder.weights().tensor(&name).unwrap());
        assert_eq!(ours.shape, dims);
        assert_eq!(ours.to_f32(), theirs.to_f32(), "{name}");
    }
    assert_eq!((gguf.peft_name(), gguf.name()), ("Tiny".to_owned(), "Tiny".to_owned()));
    assert!(gguf.weights().tensor("lm_head.weight").is_err());
}

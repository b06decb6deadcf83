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
    llama::hugging_face::read(config, Path::new("config.json")).map_err(|error| error.to_string())
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
    assert_eq!(model.peft_name(), root.path().canonicalize().unwrap().join("m").to_string_lossy());
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
        ("hidden_size", json!("wide"), "'hidden_size' is \"wide\", which is not a whole number"),
        ("num_key_value_heads", json!(3), "2 heads cannot share 3"),
        ("vocab_size", json!(1u64 << 40), "which is not a whole number above 0 and below"),
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
    twin_builder(folder).finish()
}

fn twin_builder(folder: &BaseModel) -> Builder {
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
        builder = builder.f32_tensor(&llama::weight_names::gguf_name(&name).unwrap(), &dims, &values);
    }
    builder
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
    let file = root.path().canonicalize().unwrap().join("m.gguf").to_string_lossy().into_owned();
    assert_eq!((gguf.peft_name(), gguf.name()), (file, "Tiny".to_owned()));
    assert!(gguf.weights().tensor("lm_head.weight").is_err());
}

/// What opening a folder says whose config.json is the tiny one with `key` set.
fn refusal(key: &str, value: serde_json::Value) -> String {
    shape_of(&with(key, value)).unwrap_err()
}

#[test]
fn a_mistyped_value_is_an_error_and_never_a_default() {
    for (key, value, expected) in [
        ("rope_theta", json!("3000"), "'rope_theta' is \"3000\", which is not a number"),
        ("rms_norm_eps", json!("1e-3"), "'rms_norm_eps' is \"1e-3\", which is not a number"),
        ("attention_bias", json!(1), "'attention_bias' is 1, which is not true or false"),
        (
            "tie_word_embeddings",
            json!("true"),
            "'tie_word_embeddings' is \"true\", which is not true or false",
        ),
        ("num_key_value_heads", json!("1"), "'num_key_value_heads' is \"1\""),
        ("head_dim", json!(4.5), "'head_dim' is 4.5"),
        ("max_position_embeddings", json!(-1), "'max_position_embeddings' is -1"),
        ("hidden_act", json!(["silu"]), "'hidden_act' is [\"silu\"], which is not a text"),
        ("rope_scaling", json!("linear"), "'rope_scaling' is \"linear\", which is not an object"),
        ("rope_scaling", json!({"type": "linear", "factor": "2"}), "'rope_scaling.factor' is \"2\""),
        ("rope_scaling", json!({"type": "linear"}), "'rope_scaling.factor' is missing"),
        ("rope_parameters", json!({"rope_theta": "1e4"}), "'rope_parameters.rope_theta' is \"1e4\""),
    ] {
        let error = refusal(key, value);
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_key_that_changes_the_arithmetic_is_refused_by_name() {
    for (key, value) in [
        ("partial_rotary_factor", json!(0.5)),
        ("attention_multiplier", json!(0.5)),
        ("logits_scaling", json!(8.0)),
        ("sliding_window", json!(4096)),
        ("attention_dropout", json!(0.1)),
        ("mlp_bias", json!(true)),
        ("num_local_experts", json!(8)),
        ("rope_interleaved", json!(true)),
    ] {
        let error = refusal(key, value);
        assert!(error.contains(key), "{error}");
    }
    let nested = refusal("rope_parameters", json!({"rope_type": "default", "partial_rotary_factor": 0.25}));
    assert!(nested.contains("'rope_parameters.partial_rotary_factor' is 0.25"), "{nested}");
    let unknown = refusal("rope_scaling", json!({"type": "linear", "factor": 2.0, "mscale": 0.7}));
    assert!(unknown.contains("'rope_scaling.mscale' (0.7)"), "{unknown}");
}

#[test]
fn what_changes_nothing_is_let_through() {
    for (key, value) in [
        ("sliding_window", json!(null)),
        ("rope_interleaved", json!(false)),
        ("attention_dropout", json!(0)),
        ("partial_rotary_factor", json!(1.0)),
        ("unsloth_version", json!("2025.1")),
        ("_attn_implementation_autoset", json!(true)),
        ("pretraining_tp", json!(2)),
        ("rope_scaling", json!({})),
        ("rope_scaling", json!(null)),
        ("rope_scaling", json!({"rope_type": "dynamic", "factor": 4.0})),
    ] {
        assert_eq!(
            shape_of(&with(key, value.clone())).unwrap(),
            shape_of(&config()).unwrap(),
            "{key} {value}"
        );
    }
}

#[test]
fn rotary_settings_count_in_transformers_order() {
    let linear = shape_of(&with("rope_scaling", json!({"type": "linear", "factor": 4.0}))).unwrap();
    let plain = shape_of(&config()).unwrap();
    assert!((linear.inverse_frequencies()[1] * 4.0 - plain.inverse_frequencies()[1]).abs() < 1e-15);
    let mut both = with("rope_scaling", json!({"type": "linear", "factor": 4.0, "rope_theta": 500.0}));
    both["rope_parameters"] = json!({"rope_type": "linear", "factor": 2.0, "rope_theta": 600.0});
    let shape = shape_of(&both).unwrap();
    assert_eq!((shape.rope_scaling, shape.rope_theta), (Some(RopeScaling::Linear(4.0)), 500.0));
    let llama3 = |extra: &[(&str, serde_json::Value)], nested: Option<u64>| {
        let mut config = with(
            "rope_scaling",
            json!({"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}),
        );
        if let Some(nested) = nested {
            config["rope_scaling"]["original_max_position_embeddings"] = nested.into();
        }
        for (key, value) in extra {
            config[*key] = value.clone();
        }
        match shape_of(&config).unwrap().rope_scaling {
            Some(RopeScaling::Llama3(scaling)) => scaling.original_max_positions as u64,
            other => panic!("{other:?}"),
        }
    };
    let beside = [("original_max_position_embeddings", json!(16))];
    assert_eq!(llama3(&beside, Some(32)), 16, "the value beside the object comes first");
    assert_eq!(llama3(&[], Some(32)), 32);
    assert_eq!(llama3(&[], None), 64, "without any, the model's positions");
}

/// The tiny folder with one more tensor, or another tensor in the place of one.
fn with_tensor(folder: &Path, name: &str, dtype: &str, shape: &[usize], bytes: &[u8]) {
    let path = folder.join("model.safetensors");
    let old = crate::safetensors::SafetensorsFile::open(&path).unwrap();
    let (mut header, mut data) = (serde_json::Map::new(), Vec::new());
    let mut add = |name: &str, dtype: &str, shape: &[usize], bytes: &[u8]| {
        let offsets = [data.len(), data.len() + bytes.len()];
        header.insert(name.to_owned(), json!({"dtype": dtype, "shape": shape, "data_offsets": offsets}));
        data.extend_from_slice(bytes);
    };
    let mut names: Vec<_> = old.entries().iter().filter(|(old, _)| old.as_str() != name).collect();
    names.sort_by(|one, other| one.0.cmp(other.0));
    for (name, entry) in names {
        add(name, &entry.dtype, &entry.shape, old.bytes(entry));
    }
    add(name, dtype, shape, bytes);
    let header = serde_json::to_vec(&header).unwrap();
    let file = [&(header.len() as u64).to_le_bytes(), header.as_slice(), data.as_slice()].concat();
    drop(old);
    std::fs::write(path, file).unwrap();
}

fn opened_with(name: &str, dtype: &str, shape: &[usize], bytes: &[u8]) -> Result<BaseModel, String> {
    let root = tempfile::tempdir().unwrap();
    write_folder(&root.path().join("m"), &config());
    with_tensor(&root.path().join("m"), name, dtype, shape, bytes);
    BaseModel::find(root.path(), "m").map_err(|error| error.to_string())
}

#[test]
fn a_weight_that_nobody_reads_is_refused_by_name() {
    for name in [
        "model.layers.0.self_attn.q_proj.bias",
        "model.layers.1.input_layernorm.weight",
        "model.layers.0.self_attn.q_norm.weight",
        "lm_head.bias",
    ] {
        let error = opened_with(name, "BF16", &[8], &[0; 16]).unwrap_err();
        assert!(error.contains(&format!("'{name}'")) && error.contains("not supported yet"), "{error}");
    }
    opened_with("model.layers.0.self_attn.rotary_emb.inv_freq", "F32", &[2], &[0; 8]).unwrap();
    opened_with("value_head.weight", "F32", &[2], &[0; 8]).unwrap();
}

#[test]
fn a_number_type_that_cannot_be_loaded_is_refused_when_the_model_is_opened() {
    for (dtype, bytes) in [("F64", 64), ("F8_E4M3", 8), ("I8", 8)] {
        let error = opened_with("model.norm.weight", dtype, &[8], &vec![0; bytes]).unwrap_err();
        assert!(error.contains(&format!("is stored as {dtype}, which is not supported")), "{error}");
    }
}

#[test]
fn a_head_of_its_own_is_used_although_the_configuration_ties_it() {
    let embedding: Vec<u8> = (0..80).flat_map(|i| half::bf16::from_f32(i as f32).to_le_bytes()).collect();
    let tied = opened_with("lm_head.weight", "BF16", &[10, 8], &embedding).unwrap();
    assert!(tied.shape().tied_embeddings, "the embedding again");
    let own = opened_with("lm_head.weight", "BF16", &[10, 8], &[1; 160]).unwrap();
    assert!(!own.shape().tied_embeddings);
    own.weights().tensor("lm_head.weight").unwrap();
}

/// What opening a GGUF twin of the tiny folder says, with some metadata or a tensor more.
fn opened_gguf(change: impl FnOnce(Builder) -> Builder) -> Result<LlamaShape, String> {
    let root = tempfile::tempdir().unwrap();
    write_folder(&root.path().join("m"), &config());
    let folder = BaseModel::find(root.path(), "m").unwrap();
    std::fs::write(root.path().join("m.gguf"), change(twin_builder(&folder)).finish()).unwrap();
    let model = BaseModel::find(root.path(), "m.gguf").map_err(|error| error.to_string())?;
    Ok(model.shape().clone())
}

#[test]
fn a_gguf_file_is_read_as_llama_cpp_reads_it() {
    let scaling = |change: fn(Builder) -> Builder| opened_gguf(change).unwrap().rope_scaling;
    assert_eq!(scaling(|b| b.f32("llama.rope.scaling.factor", 4.0)), Some(RopeScaling::Linear(4.0)));
    assert_eq!(scaling(|b| b.f32("llama.rope.scale_linear", 2.0)), Some(RopeScaling::Linear(2.0)));
    let both = |b: Builder| b.f32("llama.rope.scaling.factor", 4.0).text("llama.rope.scaling.type", "linear");
    assert_eq!(scaling(both), Some(RopeScaling::Linear(4.0)));
    let off = |b: Builder| b.f32("llama.rope.scaling.factor", 4.0).text("llama.rope.scaling.type", "none");
    assert_eq!(scaling(off), None);
    assert_eq!(scaling(|b| b.f32("llama.rope.scaling.factor", 1.0)), None);
}

#[test]
fn gguf_metadata_and_weights_that_are_not_read_are_refused_by_name() {
    type Change = fn(Builder) -> Builder;
    let refusals: [(Change, &str); 7] = [
        (|b| b.f32_tensor("blk.0.attn_q.bias", &[8], &[0.0; 8]), "'blk.0.attn_q.bias'"),
        (|b| b.f32("llama.logit_scale", 0.5), "'llama.logit_scale' is 0.5"),
        (|b| b.u32("llama.attention.sliding_window", 16), "'llama.attention.sliding_window' is 16"),
        (|b| b.text("llama.rope.scaling.type", "yarn"), "rotary scaling 'yarn'"),
        (|b| b.text("llama.rope.freq_scale", "2"), "'llama.rope.freq_scale' is not known here"),
        (|b| b.text("llama.attention.key_length", "4"), "'llama.attention.key_length' is not a whole number"),
        (|b| b.u32("llama.attention.value_length", 8), "values of another width than keys"),
    ];
    for (change, expected) in refusals {
        let error = opened_gguf(change).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn an_export_names_the_base_that_was_trained_on() {
    let root = tempfile::tempdir().unwrap();
    write_folder(&root.path().join("m"), &with("_name_or_path", json!("somebody/parent")));
    let folder = BaseModel::find(root.path(), "m").unwrap();
    assert!(folder.peft_name().ends_with("/m"), "{}", folder.peft_name());
    for (stored, expected) in [
        ("https://huggingface.co/owner/name-1.5", Some("owner/name-1.5")),
        ("owner/name", Some("owner/name")),
        ("A title of words", None),
        ("https://example.org/owner/name", None),
    ] {
        let builder = twin_builder(&folder).text("general.source.huggingface.repository", stored);
        std::fs::write(root.path().join("m.gguf"), builder.finish()).unwrap();
        let name = BaseModel::find(root.path(), "m.gguf").unwrap().peft_name();
        assert!(expected.map_or(name.ends_with("/m.gguf"), |id| name == id), "{stored}: {name}");
    }
}

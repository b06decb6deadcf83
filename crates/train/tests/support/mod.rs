//! A tiny random Llama as a Hugging Face folder, and conversations for it.
#![allow(clippy::unwrap_used, dead_code, missing_docs, unreachable_pub)]

pub mod task;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use loradeck_core::config::LoraTargets;
use loradeck_data::base_model::BaseModel;
use loradeck_data::random::{Purpose, Stream};
use loradeck_data::sample::Sample;
use loradeck_train::adapters::AdapterSet;
use loradeck_train::export::container;
use loradeck_train::models::llama::Llama;
use loradeck_train::tasks::causal_lm::attach::attach;
use serde_json::{Map, json};
use tch::{Device, Kind, Tensor};

pub const VOCABULARY: usize = 48;
const HIDDEN: i64 = 32;
const INNER: i64 = 64;
const LAYERS: usize = 2;

/// Shape choices that the tests vary.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    pub key_value_heads: i64,
    pub tied: bool,
}

pub const USUAL: Form = Form { key_value_heads: 2, tied: true };

/// Writes the model into `folder`.
pub fn write_model(folder: &Path, form: Form) {
    std::fs::create_dir_all(folder).unwrap();
    let config = json!({
        "model_type": "llama", "hidden_size": HIDDEN, "intermediate_size": INNER, "num_hidden_layers": LAYERS,
        "num_attention_heads": 4, "num_key_value_heads": form.key_value_heads, "rms_norm_eps": 1e-5,
        "rope_theta": 10_000.0, "vocab_size": VOCABULARY, "max_position_embeddings": 256,
        "tie_word_embeddings": form.tied, "hidden_act": "silu", "eos_token_id": 2,
    });
    std::fs::write(folder.join("config.json"), config.to_string()).unwrap();
    let made = container(&weights(form), &BTreeMap::new()).unwrap();
    std::fs::write(folder.join("model.safetensors"), made.bytes).unwrap();
    write_tokenizer(folder);
}

fn weights(form: Form) -> Vec<(String, Tensor)> {
    let keys = form.key_value_heads * 8;
    let mut sizes = vec![("model.embed_tokens.weight".to_owned(), vec![VOCABULARY as i64, HIDDEN])];
    for layer in 0..LAYERS {
        let in_layer: [(&str, Vec<i64>); 9] = [
            ("input_layernorm", vec![HIDDEN]),
            ("post_attention_layernorm", vec![HIDDEN]),
            ("self_attn.q_proj", vec![HIDDEN, HIDDEN]),
            ("self_attn.k_proj", vec![keys, HIDDEN]),
            ("self_attn.v_proj", vec![keys, HIDDEN]),
            ("self_attn.o_proj", vec![HIDDEN, HIDDEN]),
            ("mlp.gate_proj", vec![INNER, HIDDEN]),
            ("mlp.up_proj", vec![INNER, HIDDEN]),
            ("mlp.down_proj", vec![HIDDEN, INNER]),
        ];
        sizes.extend(in_layer.map(|(module, size)| (format!("model.layers.{layer}.{module}.weight"), size)));
    }
    sizes.push(("model.norm.weight".to_owned(), vec![HIDDEN]));
    if !form.tied {
        sizes.push(("lm_head.weight".to_owned(), vec![VOCABULARY as i64, HIDDEN]));
    }
    let random = |(number, (name, size)): (usize, (String, Vec<i64>))| {
        let count = size.iter().product::<i64>() as usize;
        let mut stream = Stream::new(7, Purpose::Test, number as u32);
        let values =
            if size.len() == 1 { stream.normal(count, 1.0, 0.1) } else { stream.normal(count, 0.0, 0.2) };
        (name, Tensor::from_slice(&values).view(size.as_slice()))
    };
    sizes.into_iter().enumerate().map(random).collect()
}

const WORDS: [&str; 44] = [
    "user",
    "assistant",
    "system",
    "red",
    "blue",
    "green",
    "cat",
    "dog",
    "owl",
    "fox",
    "is",
    "the",
    "a",
    "what",
    "who",
    "where",
    "near",
    "river",
    "hill",
    "wood",
    "sees",
    "runs",
    "sleeps",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "yes",
    "no",
    "and",
    "or",
    "not",
    "old",
    "new",
    "big",
    "small",
    "north",
    "south",
];

fn write_tokenizer(folder: &Path) {
    let mut vocabulary = Map::new();
    let special = ["<unk>", "<|im_start|>", "<|im_end|>", "<pad>"];
    for (id, token) in special.iter().chain(&WORDS).enumerate() {
        vocabulary.insert((*token).to_owned(), json!(id));
    }
    let added: Vec<_> = special
        .iter()
        .enumerate()
        .map(|(id, token)| {
            json!({ "id": id, "content": token, "single_word": false, "lstrip": false, "rstrip": false,
                    "normalized": false, "special": true })
        })
        .collect();
    let tokenizer = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": added, "normalizer": null,
        "pre_tokenizer": { "type": "Whitespace" }, "post_processor": null, "decoder": null,
        "model": { "type": "WordLevel", "vocab": vocabulary, "unk_token": "<unk>" },
    });
    std::fs::write(folder.join("tokenizer.json"), tokenizer.to_string()).unwrap();
    let template = "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + \
        message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}\
        {% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";
    let config = json!({ "eos_token": "<|im_end|>", "pad_token": "<pad>", "chat_template": template });
    std::fs::write(folder.join("tokenizer_config.json"), config.to_string()).unwrap();
}

/// Writes `count` conversations of different lengths.
pub fn write_data(path: &Path, count: usize, number: u32) {
    let mut stream = Stream::new(5, Purpose::Test, number);
    let mut word = |from: usize, to: usize| WORDS[from + stream.below(to - from)];
    let lines: Vec<String> = (0..count)
        .map(|index| {
            let question = format!("where is the {} {} {}", word(38, 42), word(3, 6), word(6, 10));
            let answer = vec![word(10, 44); 1 + index % 7].join(" ");
            let answer = format!("{} {} {answer}", word(23, 33), word(16, 23));
            json!({ "messages": [{ "role": "user", "content": question },
                                 { "role": "assistant", "content": answer }] })
            .to_string()
        })
        .collect();
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, lines.join("\n") + "\n").unwrap();
}

/// A loaded model with adapters of rank 4 on `targets`, all of their numbers random.
pub fn machine(folder: &Path, form: Form, kind: Kind, targets: &str) -> (Llama, AdapterSet) {
    write_model(folder, form);
    let base = Arc::new(BaseModel::find(Path::new("/"), folder.to_str().unwrap()).unwrap());
    let mut model = Llama::load(base, kind, Device::Cpu, 128).unwrap();
    let targets = LoraTargets::Preset(targets.to_owned());
    let adapters = attach(&mut model, &targets, 4, 8.0, 1, Device::Cpu).unwrap();
    let count = adapters.count() as usize;
    let values = Stream::new(3, Purpose::Test, 0).normal(count, 0.0, 0.1);
    adapters.parameters.shallow_clone().copy_(&Tensor::from_slice(&values));
    (model, adapters)
}

/// Random samples of the given lengths; every second token is learnt.
pub fn samples(lengths: &[usize]) -> Vec<Sample> {
    let mut stream = Stream::new(9, Purpose::Test, 1);
    let mut sample = |length: &usize| Sample {
        ids: (0..*length).map(|_| stream.below(VOCABULARY) as u32).collect(),
        labels_mask: (0..*length).map(|index| index % 2 == 1).collect(),
    };
    lengths.iter().map(&mut sample).collect()
}

/// A workspace with model, data and one run.
pub struct Bench {
    pub folder: tempfile::TempDir,
}

impl Bench {
    /// The model, 12 training and 4 held-out conversations.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("loradeck.yaml"), "format: 1\n").unwrap();
        write_model(&folder.path().join("model"), USUAL);
        write_data(&folder.path().join("data/train.jsonl"), 12, 1);
        write_data(&folder.path().join("held-out/eval.jsonl"), 4, 2);
        Self { folder }
    }

    /// A run called `name` with `extra` lines in its configuration.
    pub fn run(&self, name: &str, extra: &str) -> PathBuf {
        let run = self.folder.path().join("experiments/tiny/runs").join(name);
        std::fs::create_dir_all(&run).unwrap();
        let rate = if extra.contains("learning_rate") { "" } else { "learning_rate: 0.01\n" };
        let config = format!(
            "base_model: model\ntrain_data_dir: data\neval_data_dir: held-out\nlora_rank: 4\nbatch_size: 4\n\
             threads: 1\nprecision: fp32\nseed: 3\n{rate}{extra}"
        );
        std::fs::write(run.join("config.yaml"), config).unwrap();
        run
    }
}

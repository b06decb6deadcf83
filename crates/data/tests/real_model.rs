//! The demo's real model and the shipped experiments, against what Hugging Face's libraries say of them. Skips, saying
//! so, where `LORADECK_BASE_MODEL` does not name the model's file.

#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::path::{Path, PathBuf};

use loradeck_core::config::{Settings, load_plan};
use loradeck_core::template::chat::Message;
use loradeck_core::time::Moment;
use loradeck_data::base_model::BaseModel;
use loradeck_data::chat::{ChatEncoder, ChatOptions};
use loradeck_data::check::check;
use loradeck_data::tokenizer::Tokenizer;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn model_path(test: &str) -> Option<String> {
    if let Ok(path) = std::env::var("LORADECK_BASE_MODEL") {
        return Some(path);
    }
    let reason = format!("real_model::{test}: LORADECK_BASE_MODEL names no model\n");
    eprint!("{reason}");
    if let Ok(notes) = std::env::var("LORADECK_SKIPPED") {
        let mut file = std::fs::OpenOptions::new().append(true).create(true).open(notes).unwrap();
        file.write_all(reason.as_bytes()).unwrap();
    }
    None
}

#[test]
fn the_demo_model_is_what_it_should_be() {
    let Some(path) = model_path("the_demo_model_is_what_it_should_be") else { return };
    let model = BaseModel::find(&root(), &path).unwrap();
    assert_eq!(model.full_hash(), "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53");
    let shape = model.shape();
    assert_eq!((shape.layers, shape.heads, shape.key_value_heads, shape.head_dim), (30, 9, 3, 64));
    assert_eq!((shape.vocabulary, shape.max_positions, shape.tied_embeddings), (49_152, 8192, true));
    assert_eq!(
        (shape.rms_norm_epsilon.to_bits(), shape.rope_theta.to_bits()),
        (1e-5f64.to_bits(), 1e5f64.to_bits())
    );
    let file = std::fs::canonicalize(model.path()).unwrap();
    assert_eq!(Path::new(&model.peft_name()), file, "a file without a repository is named itself");
    assert_eq!(model.name(), "Smollm2 135M 8k Lc100K Mix1 Ep2");
    let tensors = model.gguf().unwrap().tensors();
    let of = |name: &str| tensors.iter().filter(|tensor| tensor.block_type.name() == name).count();
    assert_eq!((tensors.len(), of("Q4_1"), of("F32"), of("Q8_0")), (272, 210, 61, 1));
}

/// The ids are those of transformers 5.24 with the model's own cut of digits.
#[test]
fn text_becomes_the_ids_of_the_models_own_tokenizer() {
    let Some(path) = model_path("text_becomes_the_ids_of_the_models_own_tokenizer") else { return };
    let tokenizer = Tokenizer::of(&BaseModel::find(&root(), &path).unwrap()).unwrap();
    let text = "It's 12  o'clock – naïve 🙂\n\tdone.<|im_end|>";
    let ids = [1589, 506, 216, 33, 34, 216, 263, 23, 17466, 816, 15486, 46494, 47526, 198, 197, 22744, 30, 2];
    assert_eq!(tokenizer.encode(text, true).unwrap(), ids);
    assert_eq!(tokenizer.decode(&ids, false).unwrap(), text);
    assert_eq!(
        (tokenizer.bos_id(), tokenizer.eos_ids(), tokenizer.pad_id()),
        (Some(1), [2, 0].as_slice(), 2)
    );
    let chat = [Message::new("user", "Hi"), Message::new("assistant", "Hello!")];
    let encoder = ChatEncoder::new(&tokenizer, Moment(0)).unwrap();
    let options = ChatOptions { max_seq_len: 2048, train_on_prompt: false };
    let sample = encoder.encode(&chat, options).unwrap().sample;
    let system = [
        1, 9690, 198, 2683, 359, 253, 5356, 5646, 11173, 3365, 3511, 308, 34519, 28, 7018, 411, 407, 19712,
        8182, 2, 198,
    ];
    let turns = [1, 4093, 198, 26843, 2, 198, 1, 520, 9531, 198, 19556, 17, 2, 198];
    assert_eq!(sample.ids, [system.as_slice(), &turns].concat());
    let learnt: Vec<u32> = sample
        .ids
        .iter()
        .zip(&sample.labels_mask)
        .filter(|(_, learnt)| **learnt)
        .map(|(id, _)| *id)
        .collect();
    assert_eq!(learnt, [19556, 17, 2]);
    assert_eq!(encoder.prompt(&chat[..1]).unwrap(), sample.ids[..31]);
}

fn shipped(config: &str, model: &str) -> Settings {
    let (_, plan) = load_plan(&root().join(config), &root(), &[format!("base_model={model}")]).unwrap();
    plan.trials[0].settings.clone()
}

#[test]
fn the_shipped_experiments_pass_the_check() {
    let Some(path) = model_path("the_shipped_experiments_pass_the_check") else { return };
    let card =
        check(&root(), &shipped("experiments/answer-card/experiment.yaml", &path), false, Moment(0)).unwrap();
    assert_eq!((card.train.samples, card.notes.as_slice()), (192, [].as_slice()));
    assert!(card.eval.is_some_and(|eval| eval.samples > 0));
    let keeper =
        check(&root(), &shipped("experiments/lighthouse/config.yaml", &path), false, Moment(0)).unwrap();
    assert!(keeper.notes.is_empty() && keeper.total_steps > 0);
}

//! Everything that can be known of a training before it takes any GPU time: that model, tokenizer, template and data
//! fit together, how many steps it has, and about how much memory it needs.

use std::path::Path;

use loradeck_core::config::{Diagnostic, Diagnostics, Precision, Settings};
use loradeck_core::time::Moment;
use serde::{Deserialize, Serialize};

use crate::base_model::{BaseModel, LlamaShape, projection_names};
use crate::dataset::{Dataset, Summary, TrainingData, problems_without_model};
use crate::image_summary::ImageCheckSummary;
use crate::lora_targets;
use crate::memory::{MemoryEstimate, MemoryRequest, adapter_parameters, estimate};
use crate::order::BatchPlan;
use crate::tokenizer::Tokenizer;

/// Opened and checked inputs of a training.
#[derive(Debug)]
pub struct Inputs {
    /// The base model.
    pub model: BaseModel,
    /// Its tokenizer.
    pub tokenizer: Tokenizer,
    /// The data, tokenised.
    pub data: TrainingData,
}

/// What a check found out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckSummary {
    /// The base model's path as found.
    pub base_model: String,
    /// `gguf` or `huggingface`.
    pub base_model_kind: String,
    /// Bytes of its weight file.
    pub base_model_size: u64,
    /// Its weights.
    pub base_parameters: u64,
    /// Trained parameters.
    pub adapter_parameters: u64,
    /// The training data.
    pub train: Summary,
    /// The held-out data.
    pub eval: Option<Summary>,
    /// Optimizer steps of one pass over the training data.
    pub steps_per_epoch: u64,
    /// Optimizer steps in all.
    pub total_steps: u64,
    /// About how many bytes the training takes.
    pub memory: MemoryEstimate,
    /// What is allowed but worth knowing, one sentence each.
    pub notes: Vec<String>,
}

/// What a check found out of a training on text or on pictures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Checked {
    /// A training on text.
    Text(Box<CheckSummary>),
    /// A training on pictures.
    Image(Box<ImageCheckSummary>),
}

impl Checked {
    /// Optimizer steps in all.
    pub fn total_steps(&self) -> u64 {
        match self {
            Self::Text(summary) => summary.total_steps,
            Self::Image(summary) => summary.total_steps,
        }
    }
}

/// Opens and checks everything a training on text reads. Every problem is told at once: a model that cannot be opened does not
/// hide what is wrong with the data. `now` is the time that a chat template may ask for.
pub fn open_inputs(root: &Path, settings: &Settings, now: Moment) -> Result<Inputs, Diagnostics> {
    if settings.is_image() {
        let message = "this trains on pictures (data_type: image), and was opened as text";
        return Err(Diagnostics(vec![Diagnostic::of_file(&settings.train_data_dir, message)]));
    }
    let opened =
        BaseModel::find(root, &settings.base_model).map_err(|error| error.to_string()).and_then(|model| {
            let tokenizer = Tokenizer::of(&model).map_err(|error| error.to_string())?;
            Ok((model, tokenizer))
        });
    match opened {
        Ok((model, tokenizer)) => {
            let data = TrainingData::load(root, settings, &tokenizer, now)?;
            fits(&model, &data, settings)?;
            Ok(Inputs { model, tokenizer, data })
        }
        Err(message) => {
            let mut problems = vec![Diagnostic::of_file("base_model", message)];
            for text in
                [Some(&settings.train_data_dir), settings.eval_data_dir.as_ref()].into_iter().flatten()
            {
                problems
                    .extend(problems_without_model(root, text).err().into_iter().flat_map(|found| found.0));
            }
            Err(Diagnostics(problems))
        }
    }
}

/// Checks a training; `cuda` says whether it would run on a GPU, which decides the number format.
pub fn check(root: &Path, settings: &Settings, cuda: bool, now: Moment) -> Result<CheckSummary, Diagnostics> {
    let inputs = open_inputs(root, settings, now)?;
    inputs.summary(settings, cuda)
}

/// A warm-up that the training would not outlast: its learning rate would never reach the one that is asked for.
pub(crate) fn warmup_beyond_the_end(settings: &Settings, total_steps: u64) -> Option<Diagnostic> {
    (settings.warmup_steps > total_steps).then(|| {
        let message = format!("is more than the {total_steps} steps that this training has");
        let value = Some(settings.warmup_steps.to_string());
        Diagnostic { value, ..Diagnostic::of_file("warmup_steps", message) }
            .with_hint(format!("at most {total_steps}; a tenth of the steps is usual"))
    })
}

impl Inputs {
    /// What is worth telling about these inputs.
    ///
    /// # Errors
    /// Returns what [`decide`](Self::decide) refuses.
    pub fn summary(&self, settings: &Settings, cuda: bool) -> Result<CheckSummary, Diagnostics> {
        let chosen = self.decide(settings)?;
        let shape = self.model.shape();
        let train = self.data.train.summary();
        let eval = self.data.eval.as_ref().map(Dataset::summary);
        let plan = BatchPlan::of(settings, self.data.train.len());
        let parameters = adapter_parameters(shape, &chosen, u64::from(settings.lora_rank));
        let half = settings.precision == Precision::Bf16 || (settings.precision == Precision::Auto && cuda);
        let request = MemoryRequest {
            bytes_per_number: if half { 2 } else { 4 },
            batch_size: u64::from(settings.batch_size),
            longest: train.tokens.max as u64,
            longest_trained: train.trained_tokens.max as u64,
            adapter_parameters: parameters,
        };
        Ok(CheckSummary {
            base_model: self.model.path().display().to_string(),
            base_model_kind: self.model.kind().name().to_owned(),
            base_model_size: self.model.size(),
            base_parameters: shape.parameters(),
            adapter_parameters: parameters,
            notes: notes(&train, eval.as_ref(), &self.data),
            steps_per_epoch: plan.steps_per_epoch(),
            total_steps: plan.total_steps(),
            memory: estimate(shape, request),
            train,
            eval,
        })
    }

    /// Decides whether `settings` can be trained with these inputs, for the check and for the trainer alike. Returns
    /// the names of the modules that receive an adapter.
    ///
    /// # Errors
    /// Returns every setting that fits no module or no number of steps, under the setting's name.
    pub fn decide(&self, settings: &Settings) -> Result<Vec<String>, Diagnostics> {
        let mut problems = Vec::new();
        let modules = projection_names(self.model.shape());
        let chosen = lora_targets::resolve(&settings.lora_targets, &modules);
        let chosen = chosen
            .map_err(|error| problems.push(Diagnostic::of_file("lora_targets", error.to_string())))
            .unwrap_or_default();
        let plan = BatchPlan::of(settings, self.data.train.len());
        problems.extend(warmup_beyond_the_end(settings, plan.total_steps()));
        if problems.is_empty() {
            return Ok(chosen.into_iter().filter_map(|index| modules.get(index).cloned()).collect());
        }
        Err(Diagnostics(problems))
    }
}

/// Refuses samples that the model cannot take: positions beyond its context, ids beyond its embedding.
fn fits(model: &BaseModel, data: &TrainingData, settings: &Settings) -> Result<(), Diagnostics> {
    let shape = model.shape();
    let mut problems = Vec::new();
    for dataset in [Some(&data.train), data.eval.as_ref()].into_iter().flatten() {
        problems.extend(dataset.samples.iter().zip(&dataset.rows).find_map(|(sample, row)| {
            let message = misfit(shape, &sample.ids)?;
            let mut problem = Diagnostic::of_file(&row.file, message);
            (problem.line, problem.column) = (row.line, 1);
            let limit = settings.text().map_or(0, |text| text.max_seq_len);
            let hint = format!("lower max_seq_len ({limit}) to at most {}", shape.max_positions);
            Some(if sample.ids.len() > shape.max_positions { problem.with_hint(hint) } else { problem })
        }));
    }
    if problems.is_empty() { Ok(()) } else { Err(Diagnostics(problems)) }
}

fn misfit(shape: &LlamaShape, ids: &[u32]) -> Option<String> {
    if ids.len() > shape.max_positions {
        return Some(format!("has {} tokens, and the model was made for {}", ids.len(), shape.max_positions));
    }
    let beyond = ids.iter().find(|id| **id as usize >= shape.vocabulary)?;
    Some(format!("has the token {beyond}, and the model's embedding has {} rows", shape.vocabulary))
}

fn notes(train: &Summary, eval: Option<&Summary>, data: &TrainingData) -> Vec<String> {
    let count = |count: usize, what: &str| (count > 0).then(|| format!("{count} {what}"));
    let both = |of: fn(&Summary) -> usize| of(train) + eval.map_or(0, of);
    [
        count(both(|s| s.truncated), "samples are cut to max_seq_len tokens"),
        count(train.duplicates, "training samples repeat an earlier one"),
        count(data.leaked(), "held-out samples also occur in the training data"),
        count(
            both(|s| s.without_end),
            "samples have an answer that no special token ends: the model is not taught to stop",
        ),
        count(
            both(|s| s.special_in_content),
            "samples spell one of the model's special tokens, which is taken as that token",
        ),
        (!train.ignored_files.is_empty()).then(|| format!("not read: {}", train.ignored_files.join(", "))),
    ]
    .into_iter()
    .flatten()
    .chain(data.notes())
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base_model::testing::{config, write_folder};
    use crate::tokenizer::testing::{CHATML, tokenizer};

    const SAMPLE: &str =
        r#"{"messages": [{"role": "user", "content": "he"}, {"role": "assistant", "content": "hello"}]}"#;

    fn workspace(vocabulary: usize, positions: usize) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let mut config = config();
        config["max_position_embeddings"] = positions.into();
        write_folder(&root.path().join("m"), &config);
        for (name, contents) in tokenizer("smollm", CHATML).unwrap().files(None).unwrap() {
            std::fs::write(root.path().join("m").join(name), contents).unwrap();
        }
        if vocabulary != 10 {
            crate::base_model::testing::grow_vocabulary(&root.path().join("m"), vocabulary);
        }
        std::fs::write(root.path().join("d.jsonl"), format!("{SAMPLE}\n{SAMPLE}\n{SAMPLE}\n")).unwrap();
        root
    }

    fn settings(extra: &str) -> Settings {
        let text = format!("base_model: m\ntrain_data_dir: d.jsonl\n{extra}");
        loradeck_core::config::read_frozen(Path::new("e.yaml"), &text, &[]).unwrap().0
    }

    #[test]
    fn a_check_tells_sizes_steps_and_notes() {
        let root = workspace(300, 64);
        let settings = settings("eval_split: 0.3\nbatch_size: 1\nepochs: 2\n");
        let summary = check(root.path(), &settings, false, Moment(0)).unwrap();
        assert_eq!((summary.train.samples, summary.eval.as_ref().unwrap().samples), (2, 1));
        assert_eq!((summary.steps_per_epoch, summary.total_steps), (2, 4));
        assert_eq!(summary.base_model_kind, "huggingface");
        assert_eq!(summary.notes[0], "1 training samples repeat an earlier one");
        assert_eq!(summary.notes[1], "1 held-out samples also occur in the training data");
        let on_gpu = check(root.path(), &settings, true, Moment(0)).unwrap();
        assert_eq!(on_gpu.memory.base * 2, summary.memory.base);
    }

    #[test]
    fn what_the_template_leaves_out_is_told_with_count_and_place() {
        let root = workspace(300, 64);
        let template = "{% for m in messages %}{% if m.role != 'system' %}<|im_start|>{{ m.content.split('</think>')[-1] }}<|im_end|>{% endif %}{% endfor %}";
        std::fs::write(root.path().join("m/chat_template.jinja"), template).unwrap();
        let system =
            SAMPLE.replace(r#"[{"role": "user""#, r#"[{"role": "system", "content": "12"}, {"role": "user""#);
        let thinking = system.replace("hello", "<think>e</think>l");
        std::fs::write(root.path().join("d.jsonl"), format!("{SAMPLE}\n{system}\n{thinking}\n")).unwrap();
        let notes = check(root.path(), &settings(""), false, Moment(0)).unwrap().notes;
        assert_eq!(
            notes,
            [
                "the chat template leaves the system message out in 2 samples (first in d.jsonl:2)",
                "the chat template leaves the thinking (<think>…</think>) of answers out in 1 sample (first in d.jsonl:3)"
            ]
        );
        // The header's last letter and the answer's first are one token to this tokenizer.
        let merging = "{% for m in messages %}<|im_start|>h{{ m.content[1:] }}<|im_end|>{% endfor %}{% if add_generation_prompt %}<|im_start|>h{% endif %}";
        std::fs::write(root.path().join("m/chat_template.jinja"), merging).unwrap();
        std::fs::write(root.path().join("d.jsonl"), SAMPLE).unwrap();
        let notes = check(root.path(), &settings(""), false, Moment(0)).unwrap().notes;
        assert!(
            notes[0].starts_with("an answer's first token also holds") && notes[0].ends_with("d.jsonl:1)"),
            "{notes:?}"
        );
    }

    #[test]
    fn samples_must_fit_the_model() {
        let error = |root: tempfile::TempDir| {
            check(root.path(), &settings(""), false, Moment(0)).unwrap_err().to_string()
        };
        let long = error(workspace(300, 5));
        assert!(
            long.starts_with("d.jsonl:1:1: has ") && long.contains("lower max_seq_len (2048) to at most 5"),
            "{long}"
        );
        let wide = error(workspace(10, 64));
        assert!(wide.contains("the model's embedding has 10 rows"), "{wide}");
    }

    #[test]
    fn a_pad_token_without_a_row_of_the_embedding_is_not_looked_up() {
        let root = workspace(264, 64);
        let path = root.path().join("m/tokenizer_config.json");
        let mut config: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        config["pad_token"] = "[PAD]".into();
        std::fs::write(path, config.to_string()).unwrap();
        let inputs = open_inputs(root.path(), &settings(""), Moment(0)).unwrap();
        assert_eq!((inputs.tokenizer.pad_id(), inputs.model.pad_id(&inputs.tokenizer)), (264, 0));
    }

    #[test]
    fn settings_that_the_trainer_would_die_of_are_refused_by_the_check() {
        let root = workspace(300, 64);
        for (extra, expected) in [
            ("lora_targets: [q_proj, vproj]\n", "lora_targets: 'vproj' fits no module of this model"),
            ("lora_targets: 'layers.9.*'\n", "lora_targets: 'layers.9.*' fits no module of this model"),
            ("lora_targets: '(q_proj'\n", "lora_targets: '(q_proj' is neither a preset"),
            ("batch_size: 1\nwarmup_steps: 7\nepochs: 2\n", "warmup_steps: '7' is more than the 6 steps"),
        ] {
            let settings = settings(extra);
            let error = check(root.path(), &settings, false, Moment(0)).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        let last = settings("batch_size: 1\nwarmup_steps: 6\nepochs: 2\n");
        check(root.path(), &last, false, Moment(0)).unwrap();
    }

    #[test]
    fn a_missing_model_does_not_hide_bad_data() {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join("d.jsonl"), "{}\n").unwrap();
        let error = check(root.path(), &settings(""), false, Moment(0)).unwrap_err().to_string();
        assert!(error.starts_with("base_model: base model 'm' was not found"), "{error}");
        assert!(error.contains("d.jsonl:1:1: has no key 'messages'"), "{error}");
    }
}

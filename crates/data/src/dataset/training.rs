//! Training data and held-out data together, as settings ask for them.

use std::collections::HashSet;
use std::path::Path;

use loradeck_core::config::{Diagnostic, Diagnostics, Settings};
use loradeck_core::time::Moment;

use super::Dataset;
use super::files::{self, Files};
use crate::chat::ChatOptions;
use crate::tokenizer::Tokenizer;

/// Training data with its held-out part.
#[derive(Clone, Debug)]
pub struct TrainingData {
    /// What is learnt.
    pub train: Dataset,
    /// What is only measured.
    pub eval: Option<Dataset>,
}

impl TrainingData {
    /// Loads what a training needs: `train_data_dir`, and either `eval_data_dir` or a share of the first held out.
    pub fn load(
        root: &Path,
        settings: &Settings,
        tokenizer: &Tokenizer,
        now: Moment,
    ) -> Result<Self, Diagnostics> {
        let of_text = settings.text().cloned().unwrap_or_default();
        let options = ChatOptions {
            max_seq_len: of_text.max_seq_len as usize,
            train_on_prompt: of_text.train_on_prompt,
        };
        let load = |files: &Files, text: &str| Dataset::from_files(files, text, tokenizer, options, now);
        let text = settings.train_data_dir.as_str();
        let train_files = files::read(root, text);
        let Some(eval_text) = settings.eval_data_dir.as_deref() else {
            let (train, eval) = load(&train_files?, text)?.split(settings.eval_split, settings.split_seed);
            if eval.is_none() && settings.eval_split > 0.0 {
                let message = "holds a single sample, of which none can be held out (eval_split)";
                return Err(Diagnostics(vec![Diagnostic::of_file(text, message)]));
            }
            return Ok(Self { train, eval });
        };
        let eval_files = files::read(root, eval_text);
        if let (Ok(train), Ok(eval)) = (&train_files, &eval_files)
            && let Some(name) = files::shared(train, eval)
        {
            let message = "is both training data and held-out data";
            let hint = "move it out of train_data_dir, or use eval_split";
            return Err(Diagnostics(vec![Diagnostic::of_file(name, message).with_hint(hint)]));
        }
        let train = train_files.and_then(|files| load(&files, text));
        let eval = eval_files.and_then(|files| load(&files, eval_text));
        match (train, eval) {
            (Ok(train), Ok(eval)) => Ok(Self { train, eval: Some(eval) }),
            (train, eval) => {
                let problems = [train.err(), eval.err()];
                Err(Diagnostics(problems.into_iter().flatten().flat_map(|problems| problems.0).collect()))
            }
        }
    }

    /// Held-out samples whose conversation also occurs in the training data.
    pub fn leaked(&self) -> usize {
        let learnt: HashSet<&str> = self.train.rows.iter().map(|row| row.digest.as_str()).collect();
        let eval = self.eval.iter().flat_map(|eval| &eval.rows);
        eval.filter(|row| learnt.contains(row.digest.as_str())).count()
    }
}

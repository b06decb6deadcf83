//! Data sets of conversations: JSONL files in the `messages` form of chat interfaces, tokenised for one model, with everything that
//! a report and `metadata.csv` tell about them. A data set with any fault is refused as a whole, all faults named.

mod conversations;
mod files;
mod json_position;
mod metadata;
mod notes;
mod record;
mod summary;
mod training;

use std::path::Path;

use loradeck_core::config::{Diagnostic, Diagnostics};
use loradeck_core::template::chat::Message;
use loradeck_core::time::Moment;

pub use files::identity;
pub use metadata::{Row, metadata_csv};
pub use summary::{Bin, Distribution, Summary};
pub use training::TrainingData;

use crate::chat::{ChatEncoder, ChatError, ChatOptions};
use crate::mapped::sha256_hex;
use crate::parallel;
use crate::random::{Purpose, Stream};
use crate::sample::Sample;
use crate::tokenizer::Tokenizer;
use conversations::Conversation;
use files::Files;

/// A tokenised data set; samples and rows belong together one by one.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// The samples in the files' order.
    pub samples: Vec<Sample>,
    /// What is told about each.
    pub rows: Vec<Row>,
    /// sha256 over the files' names and contents; of the whole data set, also after a split.
    pub fingerprint: String,
    /// Bytes of the files.
    pub size: u64,
    /// Names of what lies in the folder and was not read.
    pub ignored_files: Vec<String>,
}

impl Dataset {
    /// Reads and tokenises what `text` names, relative to `root`. `now` is the time a chat template may ask for.
    pub fn load(
        root: &Path,
        text: &str,
        tokenizer: &Tokenizer,
        options: ChatOptions,
        now: Moment,
    ) -> Result<Self, Diagnostics> {
        let files = files::read(root, text)?;
        Self::from_files(&files, text, tokenizer, options, now)
    }

    fn from_files(
        files: &Files,
        text: &str,
        tokenizer: &Tokenizer,
        options: ChatOptions,
        now: Moment,
    ) -> Result<Self, Diagnostics> {
        let conversations = conversations::parse(files)?;
        let encoder = ChatEncoder::new(tokenizer, now)
            .map_err(|error| Diagnostics(vec![Diagnostic::of_file(text, error.to_string())]))?;
        let special = SpecialTexts::of(tokenizer);
        let (mut samples, mut rows, mut problems) = (Vec::new(), Vec::new(), Vec::new());
        let results = parallel::map(&conversations, |conversation| {
            sample_of(&encoder, conversation, options, &special)
        });
        for (conversation, result) in conversations.iter().zip(results) {
            match result {
                Ok((sample, row)) => {
                    samples.push(sample);
                    rows.push(row);
                }
                Err(error) => problems.push(complaint(conversation, &error)),
            }
        }
        let dataset = Self {
            samples,
            rows,
            fingerprint: files.fingerprint(),
            size: files.size(),
            ignored_files: files.ignored.clone(),
        };
        conversations::capped(problems).or(dataset)
    }

    /// The number of samples.
    pub fn len(&self) -> usize {
        self.samples.len()
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// Counts and token statistics.
    pub fn summary(&self) -> Summary {
        Summary::of(self)
    }

    /// Holds out `share` of the samples (0 to below 1), chosen by `seed`: at least one and not all. Both parts keep the
    /// files' order. `None` where there is nothing to hold out, or only one sample.
    pub fn split(self, share: f64, seed: u64) -> (Self, Option<Self>) {
        let count = self.len();
        if share <= 0.0 || count < 2 {
            return (self, None);
        }
        let wanted = ((count as f64 * share).round() as usize).clamp(1, count - 1);
        let mut stream = Stream::new(seed, Purpose::Split, 0);
        let mut order: Vec<usize> = (0..count).collect();
        for last in (1..count).rev() {
            order.swap(last, stream.below(last + 1));
        }
        let mut held_out = vec![false; count];
        order.iter().take(wanted).for_each(|index| held_out[*index] = true);
        (self.part(|index| !held_out[index]), Some(self.part(|index| held_out[index])))
    }

    fn part(&self, keep: impl Fn(usize) -> bool) -> Self {
        let kept: Vec<usize> = (0..self.len()).filter(|index| keep(*index)).collect();
        Self {
            samples: kept.iter().map(|index| self.samples[*index].clone()).collect(),
            rows: kept.iter().map(|index| self.rows[*index].clone()).collect(),
            ..self.clone_without_samples()
        }
    }

    fn clone_without_samples(&self) -> Self {
        Self {
            samples: Vec::new(),
            rows: Vec::new(),
            fingerprint: self.fingerprint.clone(),
            size: self.size,
            ignored_files: self.ignored_files.clone(),
        }
    }
}

/// Everything that is wrong with the files that `text` names, as far as it can be told without a model.
pub(crate) fn problems_without_model(root: &Path, text: &str) -> Result<(), Diagnostics> {
    let files = files::read(root, text)?;
    conversations::parse(&files).map(|_| ())
}

fn sample_of(
    encoder: &ChatEncoder<'_>,
    conversation: &Conversation,
    options: ChatOptions,
    special: &SpecialTexts,
) -> Result<(Sample, Row), ChatError> {
    let found = encoder.encode(&conversation.messages, options)?;
    let messages = &conversation.messages;
    let row = Row {
        file: conversation.file.clone(),
        line: conversation.line,
        tokens: found.sample.ids.len(),
        full_tokens: found.full_length,
        trained_tokens: found.sample.trained_tokens(),
        characters: messages.iter().map(|message| message.content.chars().count()).sum(),
        roles: messages.iter().map(|message| message.role.as_str()).collect::<Vec<_>>().join(" "),
        digest: digest(messages),
        turns_without_end: found.turns_without_end,
        special_in_content: messages.iter().any(|message| special.occur_in(&message.content)),
        merged_starts: found.merged_starts,
        left_out: found.left_out,
    };
    Ok((found.sample, row))
}

/// The model's special tokens as text, to be looked for in contents.
struct SpecialTexts {
    texts: Vec<String>,
    beginnings: Vec<char>,
}

impl SpecialTexts {
    fn of(tokenizer: &Tokenizer) -> Self {
        let texts = tokenizer.special_tokens();
        let mut beginnings: Vec<char> = texts.iter().filter_map(|text| text.chars().next()).collect();
        beginnings.sort_unstable();
        beginnings.dedup();
        Self { texts, beginnings }
    }

    fn occur_in(&self, content: &str) -> bool {
        // Most contents hold no `<` at all; some models have hundreds of special tokens.
        content.contains(self.beginnings.as_slice())
            && self.texts.iter().any(|text| content.contains(text.as_str()))
    }
}

/// sha256 over roles and contents, shortened to 16 hexadecimal digits.
fn digest(messages: &[Message]) -> String {
    let mut pieces = Vec::new();
    for message in messages {
        pieces.push(format!("{}\0{}\0{}", message.role, message.content.len(), message.content));
    }
    let mut hash = sha256_hex(pieces.iter().map(String::as_bytes));
    hash.truncate(16);
    hash
}

fn complaint(conversation: &Conversation, error: &ChatError) -> Diagnostic {
    let mut problem = Diagnostic::of_file(conversation.file.clone(), error.to_string());
    (problem.line, problem.column) = (conversation.line, 1);
    match error {
        ChatError::CutAway { .. } => problem.with_hint("shorten the conversation, or raise max_seq_len"),
        _ => problem,
    }
}

#[cfg(test)]
mod tests;

//! Which data type a plan is of: as it is written, or else as it is recognised. A sweep has one.

use super::detect::UnclearDataType;
use super::experiment::Entry;
use super::keys::{Key, find_key};
use super::layers::Layers;
use super::place::{Place, Problem};
use super::settings::DataType;
use super::sweep::Draws;
use super::value::Value;

/// The key that says it.
pub(crate) const DATA_TYPE: &str = "data_type";

/// Which keys an experiment has by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Scope {
    /// All.
    #[default]
    All,
    /// Those of a command that does not say that it trains on pictures. Names of image models' keys are free for its
    /// own parameters, as they were before there were such keys.
    Command,
}

impl Scope {
    /// Whether the name of the key is the key's in any case.
    pub(crate) fn has(self, key: &Key) -> bool {
        self == Self::All || key.is_for(DataType::Text)
    }
}

/// Tells the data type of a base model and training data, if they tell.
pub(crate) type Recognised<'a> = &'a dyn Fn(&str, &str) -> Result<Option<DataType>, UnclearDataType>;

/// How a data type is found that nobody has written.
#[derive(Clone, Copy)]
pub(crate) enum Recognise<'a> {
    /// Not at all: text.
    Never,
    /// The configuration is frozen. One without the key is of before there were others than text.
    Frozen,
    /// By the base model and the training data, if they tell.
    By(Recognised<'a>),
}

impl Layers {
    /// Settles which data type the plan is of. It becomes a set key, so that whatever is frozen says it. Where it cannot
    /// be told, that is a problem, and nothing further is said of keys of the other one.
    pub(crate) fn settle_data_type(&mut self, recognise: Recognise<'_>, problems: &mut Vec<Problem>) {
        if self.spoilt.contains(&DATA_TYPE) {
            return;
        }
        let written = self.set.iter().find(|entry| entry.key.name == DATA_TYPE).cloned();
        if let Some(entry) = &written
            && let Some(data_type) = DataType::of_word(&entry.value.plain())
        {
            self.data_type = data_type;
            return;
        }
        if written.is_none() && matches!(recognise, Recognise::Frozen) {
            return;
        }
        let is_foreign = self.spoilt.contains(&"command")
            || self.set.iter().any(|entry| ["command", "adopted"].contains(&entry.key.name));
        if let Recognise::By(recognised) = recognise
            && !is_foreign
        {
            match self.recognised(recognised) {
                Ok(data_type) => self.data_type = data_type,
                Err(problem) => {
                    problems.push(problem);
                    self.spoilt.push(DATA_TYPE);
                    return;
                }
            }
        }
        self.set.retain(|entry| entry.key.name != DATA_TYPE);
        let value = Value::Text(self.data_type.word().to_owned());
        self.set.extend(find_key(DATA_TYPE).map(|key| Entry { key, value, place: Place::File }));
    }

    /// What the base models and data of all runs tell: each base model is looked at with the first data, and each data
    /// with the first base model.
    fn recognised(&self, recognised: Recognised<'_>) -> Result<DataType, Problem> {
        let (bases, data) = (self.texts_of("base_model"), self.texts_of("train_data_dir"));
        let nothing = (String::new(), Place::File);
        let (first_base, first_data) = (bases.first().unwrap_or(&nothing), data.first().unwrap_or(&nothing));
        let by_data =
            [first_data].into_iter().chain(data.iter().skip(1)).map(|data| (first_base, data, data));
        let by_base = bases.iter().skip(1).map(|base| (base, first_data, base));
        let mut known: Option<(DataType, &str)> = None;
        for (base, data, (text, place)) in by_data.chain(by_base) {
            let unclear = |error: UnclearDataType| {
                let problem = Problem::new(data.1, "train_data_dir", error.message);
                problem.value(Some(data.0.clone())).hint(error.hint)
            };
            let Some(data_type) = recognised(&base.0, &data.0).map_err(unclear)? else { continue };
            match known {
                Some((other, example)) if other != data_type => {
                    let message = format!(
                        "makes it a training on {}, but with '{example}' it is one on {}",
                        data_type.data(),
                        other.data()
                    );
                    let problem = Problem::new(*place, "sweep", message).value(Some(text.clone()));
                    return Err(problem.hint("the runs of a sweep are all of one data type"));
                }
                Some(_) => {}
                None => known = Some((data_type, text)),
            }
        }
        Ok(known.map_or_else(|| self.guessed(), |(data_type, _)| data_type))
    }

    /// Where nothing is there to tell, which is told elsewhere: keys of image models alone speak for pictures.
    fn guessed(&self) -> DataType {
        let swept = self.sweep.parameters.iter().map(|parameter| parameter.key);
        let mut tasks =
            self.set.iter().map(|entry| entry.key).chain(swept).filter_map(|key| key.task).peekable();
        if tasks.peek().is_some() && tasks.all(|task| task == DataType::Image) {
            DataType::Image
        } else {
            DataType::Text
        }
    }

    /// All values that a key of paths has in some run, each once.
    fn texts_of(&self, name: &str) -> Vec<(String, Place)> {
        let swept = self.sweep.parameters.iter().filter(|parameter| parameter.key.name == name);
        // One that is swept in every run never has the value that stands beside the sweep.
        let is_swept = swept.clone().next().is_some() && self.sweep.when.is_empty();
        let set = self.set.iter().filter(|entry| entry.key.name == name && !is_swept);
        let swept = swept.flat_map(|parameter| match &parameter.draws {
            Draws::Values { values, .. } => values.as_slice(),
            Draws::Fixed(entry) => std::slice::from_ref(entry),
            Draws::Numbers(_) => &[],
        });
        let listed = self.sweep.trials.iter().flat_map(|trials| &trials.rows).flatten().flatten();
        let mut texts: Vec<(String, Place)> = Vec::new();
        for entry in set.chain(swept).chain(listed.filter(|entry| entry.key.name == name)) {
            let text = entry.value.plain();
            if !texts.iter().any(|(known, _)| *known == text) {
                texts.push((text, entry.place));
            }
        }
        texts
    }
}

//! The command of one attempt: every word with its placeholders replaced, its environment, its folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use loradeck_core::config::{ENVIRONMENT, Settings, Unresolved, expand};
use loradeck_core::metrics::SourceSpec;

/// What a command is told about its run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RunFacts {
    pub(super) run_dir: PathBuf,
    pub(super) root: PathBuf,
    /// What stands for the root in the code that the command sees: the root itself, or a frozen copy.
    pub(super) code: PathBuf,
    pub(super) run: String,
    pub(super) experiment: String,
    pub(super) attempt: u32,
    /// Whether an earlier attempt's command has begun.
    pub(super) resumes: bool,
    pub(super) devices: Vec<String>,
}

/// Why a command cannot be put together.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum WordsError {
    #[error("the configuration names no command")]
    NoCommand,
    #[error(
        "an earlier attempt has begun, and the configuration has no resume_command: it cannot be resumed (hint: `loradeck retry` starts a new run)"
    )]
    NotResumable,
    #[error("{key}: {source}")]
    Unresolved { key: &'static str, source: Unresolved },
    #[error(
        "{key}: the environment variable {name} is not set where the dispatcher was started (hint: set it there; `loradeck dispatch` runs one in this terminal)"
    )]
    NotSet { key: &'static str, name: String },
}

/// A command with everything put in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) program: String,
    pub(super) arguments: Vec<String>,
    /// Program and arguments for the journal: what comes from the environment, which may be a secret, by name.
    pub(super) shown: Vec<String>,
    pub(super) environment: BTreeMap<String, String>,
    pub(super) folder: PathBuf,
    /// The metric sources with their places.
    pub(super) sources: Vec<(SourceSpec, PathBuf)>,
}

/// Puts the attempt's command together. `variable` looks into the environment.
pub(super) fn words(
    settings: &Settings,
    facts: &RunFacts,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Words, WordsError> {
    let foreign = &settings.foreign;
    let filled = |key: &'static str, word: &str| {
        expand(word, |name| value_of(settings, facts, &variable, name)).map_err(|source| of_word(key, source))
    };
    let (key, template) = match (facts.resumes, &foreign.command, &foreign.resume_command) {
        (_, None, _) => return Err(WordsError::NoCommand),
        (false, Some(command), _) => ("command", command),
        (true, _, Some(resume)) => ("resume_command", resume),
        (true, _, None) => return Err(WordsError::NotResumable),
    };
    let mut filled_words =
        template.iter().map(|word| filled(key, word)).collect::<Result<Vec<_>, _>>()?.into_iter();
    let program = filled_words.next().ok_or(WordsError::NoCommand)?;
    let by_name = |name: &str| Some(format!("${{{ENVIRONMENT}{name}}}"));
    let shown = |word: &String| {
        expand(word, |name| value_of(settings, facts, &by_name, name)).unwrap_or_else(|_| word.clone())
    };
    let shown = template.iter().map(shown).collect();
    let folder = match &foreign.working_dir {
        Some(folder) => facts.code.join(filled("working_dir", folder)?),
        None => facts.code.clone(),
    };
    let environment = foreign
        .env
        .iter()
        .map(|(name, value)| Ok((name.clone(), filled("env", value)?)))
        .collect::<Result<_, WordsError>>()?;
    let mut sources = Vec::new();
    for spec in &foreign.metrics {
        let place = match &spec.path {
            Some(path) => folder.join(filled("metrics", path)?),
            None => facts.run_dir.join(spec.source.usual_place()),
        };
        sources.push((spec.clone(), place));
    }
    Ok(Words { program, arguments: filled_words.collect(), shown, environment, folder, sources })
}

fn of_word(key: &'static str, source: Unresolved) -> WordsError {
    match &source {
        Unresolved::Name(name) => match name.strip_prefix(ENVIRONMENT) {
            Some(variable) => WordsError::NotSet { key, name: variable.to_owned() },
            None => WordsError::Unresolved { key, source },
        },
        Unresolved::Open => WordsError::Unresolved { key, source },
    }
}

fn value_of(
    settings: &Settings,
    facts: &RunFacts,
    variable: &impl Fn(&str) -> Option<String>,
    name: &str,
) -> Option<String> {
    if let Some(variable_name) = name.strip_prefix(ENVIRONMENT) {
        return variable(variable_name);
    }
    let path = |path: &Path| Some(path.to_string_lossy().into_owned());
    match name {
        "run_dir" => path(&facts.run_dir),
        "workspace" => path(&facts.root),
        "run" => Some(facts.run.clone()),
        "experiment" => Some(facts.experiment.clone()),
        "attempt" => Some(facts.attempt.to_string()),
        "resume" => Some(facts.resumes.to_string()),
        "devices" => Some(facts.devices.join(",")),
        _ => match settings.value_of(name)? {
            // A list is one word: its items between commas.
            loradeck_core::config::Value::List(items) => {
                Some(items.iter().map(loradeck_core::config::Value::plain).collect::<Vec<_>>().join(","))
            }
            value => Some(value.plain()),
        },
    }
}

#[cfg(test)]
mod tests {
    use loradeck_core::config::read_frozen;

    use super::*;

    fn settings(text: &str) -> Settings {
        read_frozen(Path::new("config.yaml"), text, &[]).unwrap().0
    }

    fn facts(resumes: bool) -> RunFacts {
        RunFacts {
            run_dir: "/w/runs/0001".into(),
            root: "/w".into(),
            code: "/w".into(),
            run: "0001".into(),
            experiment: "x".into(),
            attempt: if resumes { 2 } else { 1 },
            resumes,
            devices: vec!["GPU-1".into(), "GPU-2".into()],
        }
    }

    const TEXT: &str = "\
command: [python, train.py, --lr, \"${lr}\", --out, \"${run_dir}/out ${name}\", \"${devices}\", \"${sample_prompts}\"]
resume_command: [python, train.py, --attempt, \"${attempt}\", \"--resume=${resume}\"]
env: {MODE: \"${name}\", HF_TOKEN: }
working_dir: code
learning_rate: 2e-4
sample_prompts: [a, b c]
metrics: [csv, {source: jsonl, path: \"out/${name}.jsonl\"}]
parameters: {name: \"a; rm -rf ~ `x` $(y) ${lr}\"}
";

    fn environment(name: &str) -> Option<String> {
        (name == "HF_TOKEN").then(|| "hf_1".to_owned())
    }

    #[test]
    fn every_word_stays_one_argument() {
        let words = words(&settings(TEXT), &facts(false), environment).unwrap();
        assert_eq!(words.program, "python");
        assert_eq!(
            words.arguments,
            [
                "train.py",
                "--lr",
                "2e-4",
                "--out",
                "/w/runs/0001/out a; rm -rf ~ `x` $(y) ${lr}",
                "GPU-1,GPU-2",
                "a,b c"
            ]
        );
        assert_eq!(words.environment["HF_TOKEN"], "hf_1");
        assert_eq!(words.folder, Path::new("/w/code"));
        let places: Vec<&Path> = words.sources.iter().map(|(_, place)| place.as_path()).collect();
        assert_eq!(places[0], Path::new("/w/runs/0001/logs/metrics.csv"));
        assert!(places[1].starts_with("/w/code/out"));
    }

    #[test]
    fn going_on_has_a_command_of_its_own() {
        let text = TEXT.replace("resume_command", "#");
        let resumed = words(&settings(TEXT), &facts(true), environment).unwrap();
        assert_eq!(resumed.arguments, ["train.py", "--attempt", "2", "--resume=true"]);
        assert_eq!(words(&settings(&text), &facts(true), environment), Err(WordsError::NotResumable));
    }

    #[test]
    fn what_comes_from_the_environment_is_shown_by_name() {
        let text = "command: [\"${env:HF_TOKEN}\", \"--token=${env:HF_TOKEN}\", \"${lr}\"]\nlr: 2e-4\n";
        let words = words(&settings(text), &facts(false), environment).unwrap();
        assert_eq!((words.program.as_str(), words.arguments[0].as_str()), ("hf_1", "--token=hf_1"));
        assert_eq!(words.shown, ["${env:HF_TOKEN}", "--token=${env:HF_TOKEN}", "2e-4"]);
    }

    #[test]
    fn a_secret_that_is_not_there_is_named() {
        let error = words(&settings(TEXT), &facts(false), |_| None).unwrap_err();
        assert_eq!(error, WordsError::NotSet { key: "env", name: "HF_TOKEN".into() });
    }
}

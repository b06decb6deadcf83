//! The keys of `slurm:` as they may stand in an experiment file.
//!
//! Names and forms of the values are those of sbatch's options (Slurm's `sbatch(1)`). Values end up in a batch
//! script, so each is held to the characters that its kind needs.

use super::super::keys::Kind;
use super::super::kind::{Misfit, fitted};
use super::super::value::Value;
use super::super::yaml::{Content, Node};
use super::time_limit::parse_time_limit;
use crate::text::nearest;

/// The keys of `slurm:` and what each may be.
const FIELDS: [(&str, Field); 7] = [
    ("partition", Field::Word("main")),
    ("account", Field::Word("project-7")),
    ("gres", Field::Word("gpu:1")),
    ("time", Field::Time),
    ("memory", Field::Of(Kind::Memory)),
    ("array_parallelism", Field::Of(Kind::Whole { min: 1, max: 100_000 })),
    ("extra", Field::Options),
];

#[derive(Clone, Copy)]
enum Field {
    /// One word without anything that a shell or sbatch would take apart; the text is an example.
    Word(&'static str),
    Time,
    Options,
    Of(Kind),
}

/// Options that say which job is whose, or that have keys of their own: `extra` may not set them.
const OWN: [&str; 19] = [
    "account",
    "array",
    "chdir",
    "clusters",
    "comment",
    "error",
    "gres",
    "help",
    "hold",
    "job-name",
    "mem",
    "no-requeue",
    "open-mode",
    "output",
    "parsable",
    "partition",
    "requeue",
    "time",
    "wrap",
];

/// The checked value of `slurm:`.
pub(in crate::config) fn fitted_slurm(node: &Node) -> Result<Value, Misfit> {
    let Content::Map(entries) = &node.content else {
        return Err(
            Misfit::new(node, "is no mapping").hint("{partition: main, gres: \"gpu:1\", time: \"12:00:00\"}")
        );
    };
    let mut values: Vec<(String, Value)> = Vec::new();
    for (name, value) in entries {
        let Some((_, field)) = FIELDS.iter().find(|(known, _)| *known == name.text) else {
            return Err(unknown_field(name));
        };
        if values.iter().any(|(known, _)| *known == name.text) {
            return Err(Misfit::new(name, "is given twice"));
        }
        if value.content != Content::Null {
            values.push((name.text.clone(), fitted_field(*field, value)?));
        }
    }
    Ok(Value::Map(values))
}

fn unknown_field(name: &Node) -> Misfit {
    let known = FIELDS.map(|(name, _)| name);
    let hint = nearest(&name.text, known)
        .map_or_else(|| format!("there are {}", known.join(", ")), |near| format!("did you mean '{near}'?"));
    Misfit::new(name, "is no setting of Slurm").hint(hint)
}

fn fitted_field(field: Field, node: &Node) -> Result<Value, Misfit> {
    match field {
        Field::Of(kind) => fitted(kind, node),
        Field::Word(example) => {
            match fitted(Kind::Text, node)? {
                Value::Text(text) if is_word(&text) => Ok(Value::Text(text)),
                _ => Err(Misfit::new(node, "is no single word that sbatch takes")
                    .hint(format!("such as {example}"))),
            }
        }
        Field::Time => match fitted(Kind::Text, node)? {
            Value::Text(text) if parse_time_limit(&text).is_some() => Ok(Value::Text(text)),
            _ => Err(Misfit::new(node, "is no time limit")
                .hint("minutes, \"HH:MM:SS\" or \"DAYS-HH:MM:SS\", in quotes")),
        },
        Field::Options => {
            let value = fitted(Kind::TextList, node)?;
            match &node.content {
                Content::List(items) => items.iter().try_for_each(check_option)?,
                _ => check_option(node)?,
            }
            Ok(value)
        }
    }
}

/// The JSON schema of `slurm:`.
pub(in crate::config) fn schema() -> serde_json::Value {
    let properties: serde_json::Map<String, serde_json::Value> =
        FIELDS.iter().map(|(name, field)| ((*name).to_owned(), field_schema(*field))).collect();
    serde_json::json!({"type": "object", "properties": properties, "additionalProperties": false})
}

fn field_schema(field: Field) -> serde_json::Value {
    match field {
        Field::Word(_) => serde_json::json!({"type": "string", "minLength": 1}),
        Field::Time => serde_json::json!({"type": ["string", "integer"]}),
        Field::Options => super::super::schema::value_schema(Kind::TextList),
        Field::Of(kind) => super::super::schema::value_schema(kind),
    }
}

fn is_word(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "_-.,:=+@/%()*".contains(c);
    !text.is_empty() && !text.starts_with('-') && text.chars().all(fits)
}

fn check_option(node: &Node) -> Result<(), Misfit> {
    let text = node.text.as_str();
    let name = text.strip_prefix("--").map(|rest| rest.split_once('=').map_or(rest, |(name, _)| name));
    let Some(name) = name.filter(|name| is_option_name(name)) else {
        return Err(Misfit::new(node, "is no long option of sbatch").hint("such as --constraint=a100"));
    };
    if text.chars().any(char::is_control) {
        return Err(Misfit::new(node, "has a control character"));
    }
    // sbatch takes every unambiguous beginning of an option's name for the option.
    match OWN.iter().find(|own| own.starts_with(name)) {
        None => Ok(()),
        Some(own) => Err(Misfit::new(node, format!("sets --{own}, which loradeck sets itself"))
            .hint("partition, account, gres, time and memory have keys of their own")),
    }
}

fn is_option_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::yaml::read;

    fn fit(text: &str) -> Result<String, String> {
        fitted_slurm(&read(text).unwrap()).map(|value| value.to_string()).map_err(|misfit| misfit.message)
    }

    #[test]
    fn settings_are_read_and_keep_their_order() {
        let text = "{time: 90, partition: main, gres: 'gpu:a100:2', memory: 1024m, array_parallelism: 3, \
                    extra: [--constraint=a100, --exclusive], account: }";
        let read = fit(text).unwrap();
        assert_eq!(
            read,
            "{time: \"90\", partition: main, gres: \"gpu:a100:2\", memory: \"1 GiB\", array_parallelism: 3, \
             extra: [\"--constraint=a100\", \"--exclusive\"]}"
        );
    }

    #[test]
    fn what_could_break_out_of_a_script_is_refused() {
        for text in [
            "{partition: 'a b'}",
            "{partition: --wrap=x}",
            "{account: \"a\\nb\"}",
            "{gres: 'gpu:1;reboot'}",
            "{gres: '$(id)'}",
            "{partition: \"a'b\"}",
            "{partition: ''}",
            "{time: 'now'}",
            "{memory: much}",
            "{extra: [-p main]}",
            "{extra: [\"--x=a\\n#SBATCH --wrap=b\"]}",
            "{extra: reboot}",
            "{extra: ['--']}",
            "{partiton: main}",
            "{array_parallelism: 0}",
            "{time: 1, time: 2}",
            "main",
            "[main]",
        ] {
            assert!(fit(text).is_err(), "{text} was taken");
        }
    }

    #[test]
    fn options_that_say_whose_a_job_is_stay_ours_abbreviated_too() {
        for option in
            ["--array=1-3", "--arr=1-3", "--job-name=x", "--job=x", "--output=/etc/x", "--mem=1", "--requeue"]
        {
            let message = fit(&format!("{{extra: ['{option}']}}")).unwrap_err();
            assert!(message.contains("sets --"), "{option}: {message}");
        }
        for option in
            ["--mem-per-cpu=2G", "--cpus-per-task=4", "--signal=B:USR1@300", "--exclusive", "--nice"]
        {
            assert!(fit(&format!("{{extra: '{option}'}}")).is_ok(), "{option}");
        }
    }
}

//! `env:` of a run. Values of secrets are never kept: they stand by name only and are taken from the environment in
//! which the run starts.

use crate::config::kind::Misfit;
use crate::config::value::Value;
use crate::config::yaml::{Content, Node};

/// Words that make a variable's name that of a secret.
const SECRET: [&str; 6] = ["TOKEN", "KEY", "SECRET", "PASSWORD", "PASSWD", "CREDENTIALS"];

/// Whether a variable's name says that it is a secret: one of its words ends so (`HF_TOKEN`, `WANDB_API_KEY`,
/// `APIKEY`), which `TOKENIZERS_PARALLELISM` does not.
pub(super) fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    name.split('_').any(|word| SECRET.iter().any(|secret| word.ends_with(secret)))
}

/// The text that stands for a variable of the environment at the start.
fn from_environment(name: &str) -> String {
    format!("${{{}{name}}}", super::ENVIRONMENT)
}

/// The checked variables: a mapping of names to texts. An empty value, and whatever a secret's is, means the
/// environment's own.
pub(crate) fn environment(node: &Node) -> Result<Value, Misfit> {
    let Content::Map(entries) = &node.content else {
        return Err(Misfit::new(node, "is no mapping of names to texts").hint("{NAME: value}"));
    };
    let mut values: Vec<(String, Value)> = Vec::new();
    for (name, value) in entries {
        if values.iter().any(|(known, _)| *known == name.text) {
            return Err(Misfit::new(name, "stands here a second time"));
        }
        if name.text.is_empty() || name.text.contains(['=', '\0', '$', '{', '}']) {
            return Err(Misfit::new(name, "is no variable's name"));
        }
        let text = match &value.content {
            _ if is_secret(&name.text) => from_environment(&name.text),
            Content::Null => from_environment(&name.text),
            Content::Map(_) | Content::List(_) => {
                return Err(Misfit::new(value, "is no text").hint("put it in quotes"));
            }
            _ if value.text.contains('\0') => return Err(Misfit::new(value, "is no text")),
            _ => value.text.clone(),
        };
        values.push((name.text.clone(), Value::Text(text)));
    }
    Ok(Value::Map(values))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::yaml::read;

    #[test]
    fn secrets_are_kept_by_name_only() {
        let node = read("{A: 1, HF_TOKEN: hf_abc, B: , TOKENIZERS_PARALLELISM: false}").unwrap();
        let value = environment(&node).unwrap();
        let text = value.to_string();
        assert!(!text.contains("hf_abc"), "{text}");
        assert_eq!(
            value.to_json(),
            serde_json::json!({
                "A": "1", "HF_TOKEN": "${env:HF_TOKEN}", "B": "${env:B}", "TOKENIZERS_PARALLELISM": "false"
            })
        );
        assert_eq!(environment(&read(&text).unwrap()), Ok(value), "what is frozen reads back");
    }

    #[test]
    fn names_say_what_is_secret() {
        for name in ["HF_TOKEN", "WANDB_API_KEY", "APIKEY", "db_password", "AWS_SECRET_ACCESS_KEY"] {
            assert!(is_secret(name), "{name}");
        }
        for name in ["TOKENIZERS_PARALLELISM", "KEYBOARD", "OMP_NUM_THREADS"] {
            assert!(!is_secret(name), "{name}");
        }
    }
}

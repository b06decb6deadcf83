//! `env:` of a run. Values of secrets are never kept: they stand by name only and are taken from the environment in
//! which the run starts. A value beside such a name is refused: the file that holds it is committed, and on a command
//! line it would be kept with the run's overrides and in the name of its folder.

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

/// What stands for a secret in the run's files: where the environment has it. A switch is no secret, whatever its
/// variable's name (`HF_HUB_DISABLE_IMPLICIT_TOKEN: 1`).
fn secret(name: &Node, value: &Node) -> Result<String, Misfit> {
    const SWITCHES: [&str; 8] = ["0", "1", "true", "false", "yes", "no", "on", "off"];
    let is_text = !matches!(value.content, Content::List(_) | Content::Map(_));
    let text = value.text.trim();
    let variable = text.strip_prefix("${").and_then(|rest| rest.strip_prefix(super::ENVIRONMENT));
    let is_variable =
        variable.and_then(|rest| rest.strip_suffix('}')).is_some_and(|name| !name.contains('$'));
    if matches!(value.content, Content::Null) || (is_text && text.is_empty()) {
        Ok(from_environment(&name.text))
    } else if is_text && (is_variable || SWITCHES.contains(&text.to_ascii_lowercase().as_str())) {
        Ok(text.to_owned())
    } else {
        let shown = &name.text;
        Err(Misfit::new(name, "names a secret, and its value would be stored and committed").hint(format!(
            "`{shown}:` with nothing behind it takes it from the environment: export {shown}=…"
        )))
    }
}

/// The checked variables: a mapping of names to texts. An empty value means the environment's own.
pub(crate) fn environment(node: &Node) -> Result<Value, Misfit> {
    let Content::Map(entries) = &node.content else {
        return Err(Misfit::new(node, "is no mapping of names to texts").hint("{NAME: value}"));
    };
    let mut values: Vec<(String, Value)> = Vec::new();
    for (name, value) in entries {
        if values.iter().any(|(known, _)| *known == name.text) {
            return Err(Misfit::new(name, "is given twice"));
        }
        if name.text.is_empty() || name.text.contains(['=', '\0', '$', '{', '}']) {
            return Err(Misfit::new(name, "is no variable's name"));
        }
        let text = match &value.content {
            _ if is_secret(&name.text) => secret(name, value)?,
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
        let node = read("{A: 1, HF_TOKEN: , B: , TOKENIZERS_PARALLELISM: false}").unwrap();
        let value = environment(&node).unwrap();
        let text = value.to_string();
        assert_eq!(
            value.to_json(),
            serde_json::json!({
                "A": "1", "HF_TOKEN": "${env:HF_TOKEN}", "B": "${env:B}", "TOKENIZERS_PARALLELISM": "false"
            })
        );
        assert_eq!(environment(&read(&text).unwrap()), Ok(value), "what is frozen reads back");
    }

    #[test]
    fn a_value_beside_a_secrets_name_is_refused_and_not_repeated() {
        for text in ["{HF_TOKEN: hf_abc}", "{HF_TOKEN: [hf_abc]}", "{HF_TOKEN: '${env:A}hf_abc${env:B}'}"] {
            let misfit = environment(&read(text).unwrap()).unwrap_err();
            assert_eq!(misfit.value.as_deref(), Some("HF_TOKEN"));
            assert!(!format!("{misfit:?}").contains("hf_abc"), "{misfit:?}");
        }
    }

    #[test]
    fn a_secret_may_be_another_variable_and_a_switch_is_none() {
        let node =
            read("{HF_TOKEN: '${env:MY_TOKEN}', HF_HUB_DISABLE_IMPLICIT_TOKEN: 1, A_KEY: ''}").unwrap();
        assert_eq!(
            environment(&node).unwrap().to_json(),
            serde_json::json!({
                "HF_TOKEN": "${env:MY_TOKEN}", "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1", "A_KEY": "${env:A_KEY}"
            })
        );
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

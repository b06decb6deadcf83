//! Which projections of a language model receive an adapter: decided here for the check and for the trainer.

use loradeck_core::config::LoraTargets;
use regex::Regex;

use crate::lora_names::ends_with;

/// Why no projection could be chosen.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// A pattern that is no regular expression.
    #[error(
        "'{text}' is neither a preset (qkv, attention, character, all-linear) nor a regular expression: {source}"
    )]
    Pattern {
        /// The value as written.
        text: String,
        /// What is wrong with it.
        source: Box<regex::Error>,
    },
    /// An entry of a list, or the whole value, matched nothing.
    #[error("{wanted} fits no module of this model (it has {known})")]
    NoMatch {
        /// The value as written.
        wanted: String,
        /// The names there are, those of the first layer written out.
        known: String,
    },
}

enum Rule<'a> {
    /// A module fits if its name is one of these or ends with one after a dot.
    Names(Vec<&'a str>),
    /// A module fits if its whole name matches.
    Pattern(Regex),
}

/// The positions in `modules` that `targets` means, ascending.
///
/// Lists follow PEFT's rule (a whole name or a `.`-suffix) and each of their entries must fit a module; a text that is no preset is a regular expression for the
/// whole name.
pub fn resolve(targets: &LoraTargets, modules: &[String]) -> Result<Vec<usize>, TargetError> {
    let rule = rule(targets)?;
    if let LoraTargets::List(names) = targets
        && let Some(lost) = names.iter().find(|name| !modules.iter().any(|module| ends_with(module, name)))
    {
        return Err(TargetError::NoMatch { wanted: format!("'{lost}'"), known: known(modules) });
    }
    let chosen: Vec<usize> =
        modules.iter().enumerate().filter(|(_, module)| rule.fits(module)).map(|(index, _)| index).collect();
    if chosen.is_empty() {
        return Err(TargetError::NoMatch { wanted: describe(targets), known: known(modules) });
    }
    Ok(chosen)
}

fn rule(targets: &LoraTargets) -> Result<Rule<'_>, TargetError> {
    let text = match targets {
        LoraTargets::List(names) => return Ok(Rule::Names(names.iter().map(String::as_str).collect())),
        LoraTargets::Preset(text) => text,
    };
    let names: &[&str] = match text.as_str() {
        "qkv" => &["q_proj", "k_proj", "v_proj"],
        "attention" => &["q_proj", "k_proj", "v_proj", "o_proj"],
        "character" => &["q_proj", "v_proj"],
        "all-linear" => &["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
        pattern => {
            let whole = Regex::new(&format!("^(?:{pattern})$"));
            let source = |source| TargetError::Pattern { text: pattern.to_owned(), source: Box::new(source) };
            return whole.map(Rule::Pattern).map_err(source);
        }
    };
    Ok(Rule::Names(names.to_vec()))
}

impl Rule<'_> {
    fn fits(&self, module: &str) -> bool {
        match self {
            Self::Pattern(pattern) => pattern.is_match(module),
            Self::Names(names) => names.iter().any(|name| ends_with(module, name)),
        }
    }
}

fn describe(targets: &LoraTargets) -> String {
    match targets {
        LoraTargets::Preset(text) => format!("'{text}'"),
        LoraTargets::List(names) => format!("none of '{}'", names.join("', '")),
    }
}

fn known(modules: &[String]) -> String {
    let first: Vec<&str> =
        modules.iter().map(String::as_str).filter(|name| name.contains("layers.0.")).collect();
    let shown = if first.is_empty() { modules.iter().map(String::as_str).take(7).collect() } else { first };
    let more = modules.len() - shown.len();
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more in later layers", shown.join(", ")) }
}

/// `names` as short as PEFT's list rule allows: last parts where those mean exactly these modules of `all`, else whole
/// names.
pub fn shortest(names: &[&str], all: &[String]) -> Vec<String> {
    let mut leaves: Vec<String> =
        names.iter().map(|name| name.rsplit('.').next().unwrap_or(name).to_owned()).collect();
    leaves.sort();
    leaves.dedup();
    let meant = resolve(&LoraTargets::List(leaves.clone()), all).map_or(0, |chosen| chosen.len());
    if meant == names.len() { leaves } else { names.iter().map(|name| (*name).to_owned()).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modules() -> Vec<String> {
        let names =
            ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj", "mlp.up_proj"];
        (0..2)
            .flat_map(|layer| names.iter().map(move |name| format!("model.layers.{layer}.{name}")))
            .collect()
    }

    fn chosen(targets: &LoraTargets) -> Vec<usize> {
        resolve(targets, &modules()).unwrap()
    }

    #[test]
    fn presets_lists_and_patterns_choose_modules() {
        assert_eq!(chosen(&LoraTargets::Preset("qkv".into())), [0, 1, 2, 5, 6, 7]);
        assert_eq!(chosen(&LoraTargets::Preset("character".into())), [0, 2, 5, 7]);
        assert_eq!(chosen(&LoraTargets::Preset("all-linear".into())).len(), 10);
        assert_eq!(chosen(&LoraTargets::List(vec!["up_proj".into()])), [4, 9]);
        assert_eq!(chosen(&LoraTargets::List(vec!["model.layers.1.mlp.up_proj".into()])), [9]);
        assert_eq!(chosen(&LoraTargets::Preset(r".*\.1\..*(q|v)_proj".into())), [5, 7]);
    }

    #[test]
    fn a_suffix_counts_only_after_a_dot_and_a_pattern_only_whole() {
        for targets in [LoraTargets::List(vec!["proj".into()]), LoraTargets::Preset("q_proj".into())] {
            let error = resolve(&targets, &modules()).unwrap_err().to_string();
            assert!(error.contains("model.layers.0.self_attn.q_proj"), "{error}");
            assert!(error.contains("and 5 more"), "{error}");
        }
    }

    #[test]
    fn every_entry_of_a_list_must_fit_a_module() {
        let list = LoraTargets::List(vec!["q_proj".into(), "vproj".into()]);
        let error = resolve(&list, &modules()).unwrap_err().to_string();
        assert!(error.starts_with("'vproj' fits no module of this model"), "{error}");
    }

    #[test]
    fn exported_names_are_short_where_that_is_exact() {
        let all = modules();
        let names = |indices: &[usize]| indices.iter().map(|i| all[*i].as_str()).collect::<Vec<_>>();
        assert_eq!(shortest(&names(&[0, 2, 5, 7]), &all), ["q_proj", "v_proj"]);
        assert_eq!(shortest(&names(&[0]), &all), ["model.layers.0.self_attn.q_proj"]);
    }
}

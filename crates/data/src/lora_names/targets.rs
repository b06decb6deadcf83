//! Which sites the setting `lora_targets` means.

use regex::Regex;

use super::{Site, SiteGroup, SiteKind};

/// A set of sites with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// Queries, keys and values of every attention layer.
    Qkv,
    /// Queries, keys, values and output of every attention layer: diffusers' own choice.
    Attention,
    /// Queries and values: little enough to learn one figure and keep the rest.
    Character,
    /// kohya's default set: all of the attention blocks, projections and feed-forward layers included.
    Kohya,
    /// kohya's default set and its further one: residual blocks and samplers too.
    KohyaConv,
    /// Every linear layer.
    AllLinear,
}

impl Preset {
    const ALL: [(&str, Self); 6] = [
        ("qkv", Self::Qkv),
        ("attention", Self::Attention),
        ("character", Self::Character),
        ("kohya", Self::Kohya),
        ("kohya-conv", Self::KohyaConv),
        ("all-linear", Self::AllLinear),
    ];

    /// The preset of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, preset)| *preset)
    }

    fn holds(self, site: &Site) -> bool {
        let ends = |names: &[&str]| names.iter().any(|name| ends_with(&site.path, name));
        match self {
            Self::Qkv => ends(&["to_q", "to_k", "to_v", "q_proj", "k_proj", "v_proj"]),
            Self::Attention => Self::Qkv.holds(site) || ends(&["to_out.0", "out_proj"]),
            Self::Character => ends(&["to_q", "to_v", "q_proj", "v_proj"]),
            Self::Kohya => site.group() == SiteGroup::Transformer,
            Self::KohyaConv => site.group() != SiteGroup::Outer,
            Self::AllLinear => site.kind == SiteKind::Linear,
        }
    }
}

/// A choice of sites.
#[derive(Clone, Debug)]
pub enum Targets {
    /// A named set.
    Preset(Preset),
    /// Module names: each means the modules whose path it is, or ends after a dot (PEFT's rule).
    Names(Vec<String>),
    /// A regular expression that a whole path must match (PEFT's rule).
    Pattern(Regex),
}

/// Why a choice of sites cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// The text is no regular expression.
    #[error(
        "'{text}' is neither a preset (qkv, attention, character, kohya, kohya-conv, all-linear) nor a regular expression: {problem}"
    )]
    Pattern {
        /// The text.
        text: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A key of `rank_pattern` or `alpha_pattern` is no regular expression.
    #[error("'{text}' is no regular expression: {problem}")]
    NotAPattern {
        /// The setting.
        key: &'static str,
        /// The text.
        text: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A key of `rank_pattern` or `alpha_pattern` fits nothing.
    #[error("'{text}' fits no layer with an adapter")]
    PatternFitsNothing {
        /// The setting.
        key: &'static str,
        /// The text.
        text: String,
    },
    /// Nothing has such a name.
    #[error("no layer that can take an adapter matches '{text}'{hint}")]
    NoMatch {
        /// The name or expression.
        text: String,
        /// Names that would match, or empty.
        hint: String,
    },
}

impl TargetError {
    /// The setting that is wrong.
    pub fn key(&self) -> &'static str {
        match self {
            Self::Pattern { .. } | Self::NoMatch { .. } => "lora_targets",
            Self::NotAPattern { key, .. } | Self::PatternFitsNothing { key, .. } => key,
        }
    }
}

impl Targets {
    /// From a text: a preset, module names with commas between, or a regular expression.
    pub fn from_text(text: &str) -> Result<Self, TargetError> {
        if let Some(preset) = Preset::named(text.trim()) {
            return Ok(Self::Preset(preset));
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ',' | ' ');
        if text.chars().all(plain) && !text.contains(".,") && !text.trim().ends_with('.') {
            let names = text.split(',').map(|name| name.trim().to_owned());
            return Ok(Self::Names(names.filter(|name| !name.is_empty()).collect()));
        }
        let whole = Regex::new(&format!("^(?:{text})$"));
        whole.map(Self::Pattern).map_err(|error| {
            // The library shows the expression with our frame around it; its last line says what is wrong.
            let problem = error.to_string().lines().last().unwrap_or_default().to_owned();
            TargetError::Pattern { text: text.to_owned(), problem }
        })
    }

    /// The places in `sites` of those that are meant, in their order. A name or expression that means none is an error.
    pub fn resolve(&self, sites: &[Site]) -> Result<Vec<usize>, TargetError> {
        let places = |test: &dyn Fn(&Site) -> bool| -> Vec<usize> {
            sites.iter().enumerate().filter(|(_, site)| test(site)).map(|(place, _)| place).collect()
        };
        let no_match = |text: &str| TargetError::NoMatch { text: text.to_owned(), hint: hint(sites) };
        let (found, text) = match self {
            Self::Preset(preset) => {
                (places(&|site| preset.holds(site)), format!("{preset:?}").to_lowercase())
            }
            Self::Names(names) => {
                let meant = |name: &String| sites.iter().any(|site| ends_with(&site.path, name));
                if let Some(lost) = names.iter().find(|name| !meant(name)) {
                    return Err(no_match(lost));
                }
                let found = places(&|site| names.iter().any(|name| ends_with(&site.path, name)));
                (found, names.join(","))
            }
            Self::Pattern(pattern) => {
                (places(&|site| pattern.is_match(&site.path)), pattern.as_str().to_owned())
            }
        };
        if found.is_empty() { Err(no_match(&text)) } else { Ok(found) }
    }
}

/// PEFT's rule for names: the whole path, or its end after a dot.
pub(crate) fn ends_with(path: &str, name: &str) -> bool {
    path.strip_suffix(name).is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

/// The last names of the sites' paths, each once.
fn hint(sites: &[Site]) -> String {
    let mut names: Vec<&str> = sites
        .iter()
        .map(|site| {
            // `to_out.0`: a number alone says nothing.
            let cut = |path: &str| path.rfind('.').unwrap_or(0);
            let last = cut(&site.path);
            let numbered = site.path[last..].trim_start_matches('.').chars().all(|c| c.is_ascii_digit());
            let from = if numbered { cut(&site.path[..last]) } else { last };
            site.path[from..].trim_start_matches('.')
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() { String::new() } else { format!("; names that do: {}", names.join(", ")) }
}

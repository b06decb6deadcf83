//! Which layers of an image model receive an adapter, of which rank and strength.

use loradeck_core::config::{ImageSettings, LoraTargets, Settings};
use regex::Regex;

use super::sites::{TEXT_ENCODER, dropout};
use crate::adapters::AdapterSite;
use crate::adapters::targets::TargetError;
use crate::error::TrainError;
use crate::adapters::autograd::{Dropout, SlotKind};

/// Rank and alpha of one adapter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chosen {
    /// r.
    pub rank: u32,
    /// α.
    pub alpha: f64,
}

/// What a preset takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Preset {
    /// Queries, keys, values and outputs of the attention.
    Attention,
    /// Queries and values only: identity without composition.
    Character,
    /// sd-scripts' default: everything in the transformers, 1×1 convolutions included.
    Kohya,
    /// Every linear layer, 1×1 convolutions left out (PEFT's `all-linear`).
    AllLinear,
}

#[derive(Debug)]
enum Rule {
    Preset(Preset),
    Names(Vec<String>),
    Pattern(Box<Regex>),
}

/// Which layers receive an adapter.
#[derive(Debug)]
pub struct Choice {
    rule: Rule,
    wanted: String,
    rank: u32,
    alpha: f64,
    convolutions: Option<Chosen>,
    ranks: Vec<(Regex, u32)>,
    alphas: Vec<(Regex, f64)>,
    unet: bool,
    text_encoder: bool,
    drops: (f64, f64, f64),
}

impl Choice {
    /// The choice that checked settings ask for.
    pub fn of_settings(settings: &Settings, image: &ImageSettings) -> Result<Self, TrainError> {
        let (rule, wanted) = rule(&settings.lora_targets)?;
        let convolutions = image.conv_rank.map(|rank| Chosen {
            rank,
            alpha: image.conv_alpha.unwrap_or(2.0 * f64::from(rank)),
        });
        Ok(Self {
            rule,
            wanted,
            rank: settings.lora_rank,
            alpha: settings.lora_alpha,
            convolutions,
            ranks: patterns("rank_pattern", &image.rank_pattern)?,
            alphas: patterns("alpha_pattern", &image.alpha_pattern)?,
            unet: image.unet_lr > 0.0,
            text_encoder: image.text_encoder_lr > 0.0,
            drops: (image.lora_dropout, image.rank_dropout, image.module_dropout),
        })
    }

    /// Rank and alpha of the layer `name` (`unet.…` or `text_encoder.…`), if it receives an adapter.
    ///
    /// A pattern of `rank_pattern` or `alpha_pattern` fits a whole name or its end after a dot, as in PEFT. A rank
    /// that a pattern gives keeps the settings' alpha unless a pattern gives that too.
    pub fn of(&self, name: &str, kind: SlotKind) -> Option<Chosen> {
        let (part, module) = name.split_once('.')?;
        let trained = if part == TEXT_ENCODER { self.text_encoder } else { self.unet };
        if !trained {
            return None;
        }
        let by_name = self.takes(part, module, kind);
        let base = match (by_name, self.convolutions) {
            (true, Some(convolutions)) if is_wide(kind) => convolutions,
            (true, _) => Chosen { rank: self.rank, alpha: self.alpha },
            (false, Some(convolutions)) if in_residual_block(module) => {
                // As in sd-scripts, linear layers and 1×1 convolutions of these blocks keep the usual rank.
                if is_wide(kind) { convolutions } else { Chosen { rank: self.rank, alpha: self.alpha } }
            }
            (false, _) => return None,
        };
        let rank = first(&self.ranks, name).unwrap_or(base.rank);
        let alpha = first(&self.alphas, name).unwrap_or(base.alpha);
        Some(Chosen { rank, alpha })
    }

    fn takes(&self, part: &str, module: &str, kind: SlotKind) -> bool {
        match &self.rule {
            Rule::Names(names) => names.iter().any(|name| ends(module, name)),
            Rule::Pattern(pattern) => pattern.is_match(module),
            Rule::Preset(preset) if part == TEXT_ENCODER => preset.takes_of_text_encoder(module),
            Rule::Preset(preset) => preset.takes_of_unet(module, kind),
        }
    }

    /// Refuses a choice of nothing, and names or patterns that fit nothing.
    pub fn check(&self, sites: &[AdapterSite], known: &[String]) -> Result<(), TrainError> {
        let modules = |name: &String| name.split_once('.').map(|(_, module)| module.to_owned());
        if let Rule::Names(names) = &self.rule {
            let misfit = names.iter().find(|wanted| {
                !known.iter().filter_map(modules).any(|module| ends(&module, wanted))
            });
            if let Some(misfit) = misfit {
                return Err(no_match(format!("'{misfit}'"), known));
            }
        }
        for (key, pattern) in self.ranks.iter().map(|(pattern, _)| ("rank_pattern", pattern)).chain(
            self.alphas.iter().map(|(pattern, _)| ("alpha_pattern", pattern)),
        ) {
            if !sites.iter().any(|site| pattern.is_match(&site.module)) {
                let text = pattern.as_str().trim_start_matches(FRONT).trim_end_matches(BACK);
                return Err(TrainError::Refused(format!("{key}: '{text}' fits no module with an adapter")));
            }
        }
        if sites.is_empty() { Err(no_match(self.wanted.clone(), known)) } else { Ok(()) }
    }

    /// The dropouts of adapter `index`.
    pub fn dropout(&self, index: u32) -> Option<Dropout> {
        let (input, rank, module) = self.drops;
        dropout(index, input, rank, module)
    }
}

const FRONT: &str = r"^(?:.*\.)?(?:";
const BACK: &str = r")$";

fn rule(targets: &LoraTargets) -> Result<(Rule, String), TargetError> {
    let text = match targets {
        LoraTargets::List(names) => {
            return Ok((Rule::Names(names.clone()), format!("none of '{}'", names.join("', '"))));
        }
        LoraTargets::Preset(text) => text,
    };
    let preset = match text.as_str() {
        "attention" => Preset::Attention,
        "character" => Preset::Character,
        "kohya" => Preset::Kohya,
        "all-linear" => Preset::AllLinear,
        pattern => {
            let whole = Regex::new(&format!("^(?:{pattern})$"));
            let pattern = whole
                .map_err(|source| TargetError::Pattern { text: text.clone(), source: Box::new(source) })?;
            return Ok((Rule::Pattern(Box::new(pattern)), format!("'{text}'")));
        }
    };
    Ok((Rule::Preset(preset), format!("'{text}'")))
}

fn patterns<T: Copy>(
    key: &str,
    values: &std::collections::BTreeMap<String, T>,
) -> Result<Vec<(Regex, T)>, TrainError> {
    let compiled = |(text, value): (&String, &T)| {
        let pattern = Regex::new(&format!("{FRONT}{text}{BACK}")).map_err(|error| {
            TrainError::Refused(format!("{key}: '{text}' is no regular expression: {error}"))
        })?;
        Ok((pattern, *value))
    };
    values.iter().map(compiled).collect()
}

fn first<T: Copy>(patterns: &[(Regex, T)], name: &str) -> Option<T> {
    patterns.iter().find(|(pattern, _)| pattern.is_match(name)).map(|(_, value)| *value)
}

fn ends(module: &str, name: &str) -> bool {
    module.strip_suffix(name).is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

fn is_wide(kind: SlotKind) -> bool {
    matches!(kind, SlotKind::Conv { kernel, .. } if kernel > 1)
}

/// Whether a layer of the UNet lies in a residual block, a down- or an upsampler.
fn in_residual_block(module: &str) -> bool {
    [".resnets.", ".downsamplers.", ".upsamplers."].iter().any(|part| module.contains(part))
}

impl Preset {
    fn takes_of_unet(self, module: &str, kind: SlotKind) -> bool {
        let attention = ["to_q", "to_k", "to_v", "to_out.0"].iter().any(|name| ends(module, name));
        match self {
            Self::Attention => attention,
            Self::Character => ends(module, "to_q") || ends(module, "to_v"),
            Self::Kohya => module.contains(".attentions."),
            Self::AllLinear => matches!(kind, SlotKind::Linear { .. }),
        }
    }

    fn takes_of_text_encoder(self, module: &str) -> bool {
        let attention =
            ["q_proj", "k_proj", "v_proj", "out_proj"].iter().any(|name| ends(module, name));
        match self {
            Self::Attention => attention,
            Self::Character => ends(module, "q_proj") || ends(module, "v_proj"),
            Self::Kohya | Self::AllLinear => true,
        }
    }
}

fn no_match(wanted: String, known: &[String]) -> TrainError {
    let shown: Vec<&str> =
        known.iter().map(String::as_str).filter(|name| name.contains("down_blocks.0.attentions.0")).collect();
    let more = known.len() - shown.len();
    let known = format!("{} and {more} more", shown.join(", "));
    TrainError::Targets(TargetError::NoMatch { wanted, known })
}

//! Which sites of a Stable Diffusion model receive an adapter, of which rank and alpha: from checked settings alone, so
//! that a check before training and the trainer decide alike.

use std::collections::BTreeMap;

use loradeck_core::config::{ImageSettings, LoraTargets, Settings};
use regex::Regex;

use super::targets::{TargetError, Targets};
use super::{Part, Site, SiteGroup};

/// A site that receives an adapter.
#[derive(Clone, Debug, PartialEq)]
pub struct ChosenSite {
    /// Its place among all sites, whichever are chosen: what the first values follow from.
    pub number: usize,
    /// The site.
    pub site: Site,
    /// r.
    pub rank: u32,
    /// α.
    pub alpha: f64,
}

impl ChosenSite {
    /// What the adapter's product is multiplied by.
    pub fn scale(&self) -> f64 {
        self.alpha / f64::from(self.rank)
    }

    /// `unet.…` or `text_encoder.…`.
    pub fn name(&self) -> String {
        name(&self.site)
    }
}

fn name(site: &Site) -> String {
    format!("{}.{}", site.part.name(), site.path)
}

/// The sites that `settings` choose, in the order of the model.
///
/// `lora_targets` chooses among both parts; a part whose learning rate is 0 receives none. With `conv_rank` the residual
/// blocks and samplers of the UNet join, their wide convolutions with `conv_rank` and `conv_alpha`, the rest of them as
/// all others (sd-scripts' `conv_dim`). A pattern of `rank_pattern` or `alpha_pattern` fits a whole name or its end
/// after a dot, as in PEFT; one that fits nothing is an error.
pub fn choose(
    settings: &Settings,
    image: &ImageSettings,
    sites: &[Site],
) -> Result<Vec<ChosenSite>, TargetError> {
    let targets = match &settings.lora_targets {
        LoraTargets::List(names) => Targets::Names(names.clone()),
        LoraTargets::Preset(text) => Targets::from_text(text)?,
    };
    let meant = targets.resolve(sites)?;
    let ranks = Patterns::read("rank_pattern", &image.rank_pattern)?;
    let alphas = Patterns::read("alpha_pattern", &image.alpha_pattern)?;
    let usual = (settings.lora_rank, settings.lora_alpha);
    let wide = image.conv_rank.map(|rank| (rank, image.conv_alpha.unwrap_or(2.0 * f64::from(rank))));
    let mut chosen = Vec::new();
    for (number, site) in sites.iter().enumerate() {
        let is_meant = meant.binary_search(&number).is_ok();
        let joins = wide.is_some() && site.group() == SiteGroup::Residual;
        if !is_trained(site.part, image) || !(is_meant || joins) {
            continue;
        }
        let (rank, alpha) = if site.kernel > 1 { wide.unwrap_or(usual) } else { usual };
        let name = name(site);
        let (rank, alpha) = (ranks.of(&name).unwrap_or(rank), alphas.of(&name).unwrap_or(alpha));
        chosen.push(ChosenSite { number, site: site.clone(), rank, alpha });
    }
    ranks.all_fit(&chosen)?;
    alphas.all_fit(&chosen)?;
    if chosen.is_empty() { Err(none_left(image)) } else { Ok(chosen) }
}

fn is_trained(part: Part, image: &ImageSettings) -> bool {
    match part {
        Part::Unet => image.unet_lr > 0.0,
        Part::TextEncoder => image.text_encoder_lr > 0.0,
    }
}

fn none_left(image: &ImageSettings) -> TargetError {
    let part =
        if image.unet_lr > 0.0 { "text encoder, whose text_encoder_lr" } else { "UNet, whose unet_lr" };
    TargetError::NoMatch {
        text: "the chosen layers".to_owned(),
        hint: format!("; all of them lie in the {part} is 0"),
    }
}

/// Values for names that match, the first that does.
struct Patterns<T> {
    key: &'static str,
    each: Vec<(String, Regex, T)>,
}

impl<T: Copy> Patterns<T> {
    fn read(key: &'static str, values: &BTreeMap<String, T>) -> Result<Self, TargetError> {
        let compiled = |(text, value): (&String, &T)| {
            let pattern = Regex::new(&format!(r"^(?:.*\.)?(?:{text})$")).map_err(|error| {
                let problem = error.to_string().lines().last().unwrap_or_default().to_owned();
                TargetError::NotAPattern { key, text: text.clone(), problem }
            })?;
            Ok((text.clone(), pattern, *value))
        };
        Ok(Self { key, each: values.iter().map(compiled).collect::<Result<_, _>>()? })
    }

    fn of(&self, name: &str) -> Option<T> {
        self.each.iter().find(|(_, pattern, _)| pattern.is_match(name)).map(|(.., value)| *value)
    }

    fn all_fit(&self, chosen: &[ChosenSite]) -> Result<(), TargetError> {
        let lost = self
            .each
            .iter()
            .find(|(_, pattern, _)| !chosen.iter().any(|chosen| pattern.is_match(&chosen.name())));
        match lost {
            None => Ok(()),
            Some((text, ..)) => Err(TargetError::PatternFitsNothing { key: self.key, text: text.clone() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::base_model::stable_diffusion::testing::{sd1_text_encoder, sd1_unet};
    use crate::lora_names::adapter_sites;

    fn chosen(extra: &str) -> Result<Vec<ChosenSite>, String> {
        let text = format!("data_type: image\nbase_model: b\ntrain_data_dir: d\n{extra}");
        let settings = loradeck_core::config::read_frozen(Path::new("e.yaml"), &text, &[]).unwrap().0;
        let image = settings.image().unwrap().clone();
        choose(&settings, &image, &adapter_sites(&sd1_unet(), &sd1_text_encoder()))
            .map_err(|error| error.to_string())
    }

    fn count(extra: &str) -> usize {
        chosen(extra).unwrap().len()
    }

    #[test]
    fn presets_take_what_the_peers_take() {
        assert_eq!(count(""), 128);
        assert_eq!(count("lora_targets: character"), 64);
        assert_eq!(count("lora_targets: kohya"), 192);
        assert_eq!(count("lora_targets: kohya\ntext_encoder_lr: 5e-5"), 264);
        assert_eq!(count("lora_targets: kohya\ntext_encoder_lr: 5e-5\nunet_lr: 0"), 72);
        let parameters: u64 =
            chosen("lora_rank: 4").unwrap().iter().map(|c| c.site.parameters(c.rank as usize)).sum();
        assert_eq!(parameters, 797_184);
    }

    #[test]
    fn convolutions_join_with_a_rank_of_their_own() {
        let with = chosen("lora_targets: kohya\nconv_rank: 2").unwrap();
        assert!(with.len() > 192);
        for site in &with {
            let expected = if site.site.kernel > 1 { (2, 4.0) } else { (8, 16.0) };
            assert_eq!((site.rank, site.alpha), expected, "{}", site.name());
        }
        assert!(with.iter().any(|site| site.name().ends_with("resnets.0.time_emb_proj")));
    }

    #[test]
    fn patterns_change_some_and_one_that_fits_nothing_is_told() {
        let extra = "rank_pattern: {\"mid_block.*to_q\": 3}\nalpha_pattern: {to_v: 5}";
        let with = chosen(extra).unwrap();
        let of = |end: &str| with.iter().find(|site| site.name().ends_with(end)).unwrap();
        let mid = of("mid_block.attentions.0.transformer_blocks.0.attn1.to_q");
        assert_eq!((mid.rank, mid.alpha), (3, 16.0));
        assert_eq!((of("attn1.to_v").rank, of("attn1.to_v").alpha), (8, 5.0));
        let error = chosen("rank_pattern: {to_x: 3}").unwrap_err();
        assert_eq!(error, "'to_x' fits no layer with an adapter");
    }
}

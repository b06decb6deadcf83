//! From a key in anybody's LoRA file to the site that it belongs to.

use std::collections::HashMap;

use super::{Part, Role, Site};

/// The sites by every name that files give them.
#[derive(Clone, Debug)]
pub struct SiteIndex {
    by_path: HashMap<(Part, String), usize>,
    by_kohya: HashMap<String, usize>,
}

/// Prefixes that kohya's scripts and diffusers' converter give the text encoder, and the first of which we write.
const KOHYA_TEXT: [&str; 2] = ["lora_te_", "lora_te1_"];

/// What follows a module's path in files of the diffusers family: PEFT's spelling with and without an adapter's name,
/// diffusers' own of 2024 for the UNet and for the text encoder, and that of its attention processors before.
const SUFFIXES: [(&str, Role); 13] = [
    (".lora_A.weight", Role::Down),
    (".lora_B.weight", Role::Up),
    (".lora_A.default.weight", Role::Down),
    (".lora_B.default.weight", Role::Up),
    (".lora.down.weight", Role::Down),
    (".lora.up.weight", Role::Up),
    (".lora_linear_layer.down.weight", Role::Down),
    (".lora_linear_layer.up.weight", Role::Up),
    ("_lora.down.weight", Role::Down),
    ("_lora.up.weight", Role::Up),
    (".lora_magnitude_vector", Role::Magnitude),
    (".lora_magnitude_vector.weight", Role::Magnitude),
    (".alpha", Role::Alpha),
];

const KOHYA_SUFFIXES: [(&str, Role); 4] = [
    ("lora_down.weight", Role::Down),
    ("lora_up.weight", Role::Up),
    ("alpha", Role::Alpha),
    ("dora_scale", Role::Magnitude),
];

impl SiteIndex {
    /// An index of these sites; the numbers that `find` gives are places in this slice.
    pub fn new(sites: &[Site]) -> Self {
        let path = |(number, site): (usize, &Site)| ((site.part, site.path.clone()), number);
        let kohya = |(number, site): (usize, &Site)| (site.kohya_module(), number);
        Self {
            by_path: sites.iter().enumerate().map(path).collect(),
            by_kohya: sites.iter().enumerate().map(kohya).collect(),
        }
    }

    /// The site and role of a key in any of the spellings: kohya's, diffusers' three and PEFT's. `None` for a key that
    /// belongs to no site: it must be reported, for what it holds would be lost.
    pub fn find(&self, key: &str) -> Option<(usize, Role)> {
        if let Some((module, suffix)) = key.split_once('.')
            && module.starts_with("lora_")
        {
            let (_, role) = KOHYA_SUFFIXES.iter().find(|(name, _)| *name == suffix)?;
            return Some((self.kohya(module)?, *role));
        }
        let (path, role) = SUFFIXES.iter().find_map(|(suffix, role)| {
            Some((key.strip_suffix(suffix)?, *role)).filter(|_| key.len() > suffix.len())
        })?;
        for part in [Part::Unet, Part::TextEncoder] {
            if let Some(path) = path.strip_prefix(part.name()).and_then(|rest| rest.strip_prefix('.')) {
                return Some((self.path(part, path)?, role));
            }
        }
        // A file of one part alone does not name the part.
        let path = path.strip_prefix("base_model.model.").unwrap_or(path);
        let found = self.path(Part::Unet, path).or_else(|| self.path(Part::TextEncoder, path))?;
        Some((found, role))
    }

    fn kohya(&self, module: &str) -> Option<usize> {
        let ours = KOHYA_TEXT.iter().find_map(|prefix| module.strip_prefix(prefix));
        match ours {
            Some(rest) => self.by_kohya.get(&format!("{}{rest}", KOHYA_TEXT[0])).copied(),
            None => self.by_kohya.get(module).copied(),
        }
    }

    fn path(&self, part: Part, path: &str) -> Option<usize> {
        let found = |path: String| self.by_path.get(&(part, path)).copied();
        match path.split_once(".processor.") {
            // Attention processors held the adapter of `to_out.0` as `to_out`.
            Some((block, "to_out")) => found(format!("{block}.to_out.0")),
            Some((block, name)) => found(format!("{block}.{name}")),
            // transformers 5 leaves the text model's own name out.
            None => found(path.to_owned()).or_else(|| found(format!("text_model.{path}"))),
        }
    }
}

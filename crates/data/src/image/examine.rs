//! One look at every picture of a folder before any training: is it whole, how large, how does it look, which bucket.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use loradeck_core::config::{Diagnostic, ImageSettings};

use super::Fault;
use super::buckets::{Bucket, Fit, nearest};
use super::caption::{Caption, with_trigger};
use super::decode::{Decoded, Facts, decode, probe};
use super::find::PictureFile;
use super::flag::Flag;
use super::likeness::Likeness;
use super::picture::Rgb;
use super::pixels::{decode_mask, read};
use super::sample::{ImageSample, MaskSource};
use crate::mapped::sha256_hex;

/// Pictures of more pixels are decoded one at a time, so that memory stays bounded however many threads there are.
const LARGE: u64 = 12_000_000;
/// By how much the shape of a mask may differ from its picture's.
const MASK_SHAPE: f64 = 0.02;

/// What pictures are examined for.
pub(super) struct Examiner<'a> {
    pub(super) settings: &'a ImageSettings,
    pub(super) buckets: &'a [Bucket],
    pub(super) background: Rgb,
    /// Canonical path of the data set's folder.
    pub(super) folder: PathBuf,
    pub(super) regularisation: bool,
    /// Held while a large picture is decoded.
    pub(super) large: &'a Mutex<()>,
}

/// A picture's identity: known also of pictures that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) digest: String,
    pub(super) mask_digest: String,
    pub(super) size: u64,
    pub(super) width: u32,
    pub(super) height: u32,
}

/// The identity of a file by its bytes and header.
pub(super) fn identity(file: &PictureFile) -> Identity {
    let bytes = read(&file.path).unwrap_or_default();
    identity_of(file, &bytes)
}

fn identity_of(file: &PictureFile, bytes: &[u8]) -> Identity {
    let (width, height) = probe(bytes).map_or((0, 0), |facts| (facts.width, facts.height));
    let mask = file.mask.as_ref().and_then(|mask| read(mask).ok());
    let mask_digest = mask.map(|mask| sha256_hex([mask.as_slice()])).unwrap_or_default();
    Identity { digest: sha256_hex([bytes]), mask_digest, size: bytes.len() as u64, width, height }
}

impl Examiner<'_> {
    /// The shorter side that a picture must have.
    pub(super) fn least_side(&self) -> u32 {
        (self.settings.resolution / 4).max(2)
    }

    /// Examines one picture; what is wrong with it, else.
    pub(super) fn examine(&self, file: &PictureFile) -> (Identity, Result<ImageSample, Fault>) {
        let fault = |message: String| Fault::from(Diagnostic::of_file(&file.name, message));
        let bytes = match read(&file.path) {
            Ok(bytes) => bytes,
            Err(error) => return (identity_of(file, &[]), Err(fault(error.to_string()))),
        };
        let identity = identity_of(file, &bytes);
        let result = self.sample(file, &bytes, &identity);
        (identity, result)
    }

    fn sample(&self, file: &PictureFile, bytes: &[u8], identity: &Identity) -> Result<ImageSample, Fault> {
        let fault = |message: String| Fault::from(Diagnostic::of_file(&file.name, message));
        let facts = probe(bytes).map_err(|error| fault(error.to_string()))?;
        let least = self.least_side();
        if facts.width.min(facts.height) < least {
            let message = format!(
                "has {}x{} pixels; at resolution {} the shorter side must have {least} or more",
                facts.width, facts.height, self.settings.resolution
            );
            return Err(fault(message).with_hint("take a larger picture, or lower resolution").into());
        }
        let bucket =
            nearest(self.buckets, facts.width, facts.height).ok_or_else(|| fault("fits no bucket".into()))?;
        let Decoded { picture, alpha, facts } =
            self.decode(bytes, &facts).map_err(|error| fault(error.to_string()))?;
        let mask = self.mask(file, &facts, alpha.is_some())?;
        let mut flags = facts.flags.clone();
        flags.extend(self.file_flags(file, &facts));
        if Fit::of(bucket, facts.width, facts.height).enlarged {
            flags.push(Flag::Enlarged);
        }
        flags.sort_unstable();
        Ok(ImageSample {
            name: file.name.clone(),
            relative: file.relative.clone(),
            path: file.path.clone(),
            folder: file.folder.clone(),
            repeats: file.repeats.saturating_mul(self.settings.num_repeats),
            caption: self.caption(&file.caption),
            caption_source: file.caption.source,
            mask,
            width: facts.width,
            height: facts.height,
            bucket,
            digest: identity.digest.clone(),
            mask_digest: identity.mask_digest.clone(),
            likeness: Likeness::of(&picture),
            size: identity.size,
            flags,
            regularisation: self.regularisation,
        })
    }

    fn decode(&self, bytes: &[u8], facts: &Facts) -> Result<Decoded, super::decode::PictureError> {
        let large = u64::from(facts.width) * u64::from(facts.height) > LARGE;
        // A thread that panicked while it held the lock left nothing half done.
        let _one_at_a_time =
            large.then(|| self.large.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
        decode(bytes, self.background)
    }

    fn caption(&self, caption: &Caption) -> String {
        // Regularisation pictures show the class without what the trigger word stands for.
        let trigger = self.settings.trigger_word.as_deref().filter(|_| !self.regularisation);
        with_trigger(&caption.text, trigger)
    }

    fn mask(&self, file: &PictureFile, facts: &Facts, alpha: bool) -> Result<MaskSource, Fault> {
        let Some(path) = file.mask.as_ref().filter(|_| self.settings.masked_loss) else {
            let use_alpha = alpha && self.settings.masked_loss;
            return Ok(if use_alpha { MaskSource::Alpha } else { MaskSource::Whole });
        };
        let fault = |reason: String| {
            Fault::from(Diagnostic::of_file(&file.name, format!("has a mask ({}) that {reason}", last(path))))
        };
        let bytes = read(path).map_err(|error| fault(error.to_string()))?;
        let mask = decode_mask(&bytes).map_err(|error| fault(error.to_string()))?;
        let shape = |width: u32, height: u32| f64::from(width) / f64::from(height);
        let ratio = shape(mask.width(), mask.height()) / shape(facts.width, facts.height);
        if (ratio - 1.0).abs() > MASK_SHAPE {
            let (width, height) = (mask.width(), mask.height());
            let of = format!("{}x{}", facts.width, facts.height);
            return Err(fault(format!(
                "has another shape: {width}x{height} instead of {of} (after rotation)"
            )));
        }
        Ok(MaskSource::File(path.clone()))
    }

    fn file_flags(&self, file: &PictureFile, facts: &Facts) -> Vec<Flag> {
        let extension = file.path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        let expected = if extension == "jpg" { "jpeg" } else { &extension };
        let outside = std::fs::canonicalize(&file.path).is_ok_and(|path| !path.starts_with(&self.folder));
        [
            (expected != facts.format).then_some(Flag::OtherFormat),
            outside.then_some(Flag::LinkedOutside),
            file.path.to_str().is_none().then_some(Flag::NameNotUtf8),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

fn last(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

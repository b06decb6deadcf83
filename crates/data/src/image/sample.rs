//! A picture of a data set, examined.

use std::path::PathBuf;

use super::buckets::{Bucket, Fit};
use super::caption::CaptionSource;
use super::flag::Flag;
use super::likeness::Likeness;
use super::plan::PlanSample;

/// Where a picture's mask comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MaskSource {
    /// There is none: the whole picture counts.
    Whole,
    /// Its alpha channel.
    Alpha,
    /// A file: bright parts count.
    File(PathBuf),
}

/// A picture that can be used: it was decoded once and found whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageSample {
    /// As it is named in messages.
    pub name: String,
    /// Its path within the data set.
    pub relative: String,
    /// Where it lies.
    pub path: PathBuf,
    /// Name of the folder it lies in.
    pub folder: String,
    /// Looks per epoch.
    pub repeats: u32,
    /// The caption, with the trigger word.
    pub caption: String,
    /// Where the caption comes from.
    pub caption_source: CaptionSource,
    /// The mask of the loss.
    pub mask: MaskSource,
    /// Pixels from left to right, after rotation.
    pub width: u32,
    /// Pixels from top to bottom, after rotation.
    pub height: u32,
    /// The size it is brought to.
    pub bucket: Bucket,
    /// sha256 of the file, in hexadecimal.
    pub digest: String,
    /// sha256 of the mask's file, in hexadecimal; empty without one.
    pub mask_digest: String,
    /// How it looks.
    pub likeness: Likeness,
    /// Bytes of the file.
    pub size: u64,
    /// What was converted or deserves a look.
    pub flags: Vec<Flag>,
    /// Whether it is a regularisation picture, whose loss has the weight `prior_loss_weight`.
    pub regularisation: bool,
}

impl ImageSample {
    /// How it comes into its bucket.
    pub fn fit(&self) -> Fit {
        Fit::of(self.bucket, self.width, self.height)
    }

    /// What a plan needs to know of it.
    pub fn plan_sample(&self) -> PlanSample {
        PlanSample { bucket: self.bucket, repeats: self.repeats }
    }
}

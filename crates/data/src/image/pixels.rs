//! A look at a picture as numbers for the model.

use std::path::Path;

use loradeck_core::config::{Diagnostic, Diagnostics};

use super::buckets::Bucket;
use super::decode::{MAX_FILE_BYTES, PictureError, decode};
use super::draw::View;
use super::picture::{Picture, Rgb, luma};
use super::sample::{ImageSample, MaskSource};
use crate::mapped::sha256_hex;

/// Changes whenever the same file and view would give other numbers than before.
const RECIPE: &str = "loradeck pixels 1: lanczos3, rec601 masks";

/// A look at a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Pixels {
    /// Pixels from left to right: the bucket's.
    pub width: u32,
    /// Pixels from top to bottom: the bucket's.
    pub height: u32,
    /// `[3, height, width]`, red first, each −1 to 1.
    pub rgb: Vec<f32>,
    /// `[height, width]`, 0 (does not count) to 1, where the sample has a mask.
    pub mask: Option<Vec<f32>>,
}

/// Reads what `view` shows of a sample. An error names the picture; it also tells a file that has changed since it was
/// examined, because caches and order are those of the file that was.
pub fn load_pixels(sample: &ImageSample, view: View, background: Rgb) -> Result<Pixels, Diagnostics> {
    let (crop, mask) = load_view(sample, view, background)?;
    let (width, height) = (crop.width(), crop.height());
    let plane = |channel: usize| {
        crop.rgb().iter().skip(channel).step_by(3).map(|byte| f32::from(*byte) / 127.5 - 1.0)
    };
    let rgb = (0..3).flat_map(plane).collect();
    let mask = mask.map(|mask| mask.rgb().iter().step_by(3).map(|byte| f32::from(*byte) / 255.0).collect());
    Ok(Pixels { width, height, rgb, mask })
}

/// What `view` shows of a sample as a picture.
pub fn load_crop(sample: &ImageSample, view: View, background: Rgb) -> Result<Picture, Diagnostics> {
    load_view(sample, view, background).map(|(picture, _)| picture)
}

fn load_view(
    sample: &ImageSample,
    view: View,
    background: Rgb,
) -> Result<(Picture, Option<Picture>), Diagnostics> {
    let fault = |message: String| Diagnostics(vec![Diagnostic::of_file(&sample.name, message)]);
    let bytes = read(&sample.path).map_err(|error| fault(error.to_string()))?;
    if sha256_hex([bytes.as_slice()]) != sample.digest {
        return Err(fault("has changed since it was examined; start the training again".into()));
    }
    let decoded = decode(&bytes, background).map_err(|error| fault(error.to_string()))?;
    let mask = match &sample.mask {
        MaskSource::Whole => None,
        MaskSource::Alpha => {
            let rgb = decoded.alpha.map(|alpha| alpha.iter().flat_map(|level| [*level; 3]).collect());
            rgb.and_then(|rgb| Picture::new(sample.width, sample.height, rgb))
        }
        MaskSource::File(path) => {
            let bytes = read(path).map_err(|error| mask_fault(sample, &error))?;
            if sha256_hex([bytes.as_slice()]) != sample.mask_digest {
                return Err(fault("has a mask that has changed since it was examined".into()));
            }
            Some(decode_mask(&bytes).map_err(|error| mask_fault(sample, &error))?)
        }
    };
    let shown = |picture: &Picture| show(picture, sample, view);
    Ok((shown(&decoded.picture), mask.as_ref().map(shown)))
}

fn show(picture: &Picture, sample: &ImageSample, view: View) -> Picture {
    let (fit, bucket) = (sample.fit(), sample.bucket);
    let (right, down) = fit.slack();
    let crop = picture.resized(fit.width, fit.height).cropped(
        view.x.min(right),
        view.y.min(down),
        bucket.width,
        bucket.height,
    );
    if view.flip { crop.mirrored() } else { crop }
}

/// A mask as a grey picture.
pub(super) fn decode_mask(bytes: &[u8]) -> Result<Picture, PictureError> {
    let picture = decode(bytes, [0; 3])?.picture;
    let grey: Vec<u8> =
        picture.rgb().chunks_exact(3).flat_map(|pixel| [luma([pixel[0], pixel[1], pixel[2]]); 3]).collect();
    Ok(Picture::new(picture.width(), picture.height(), grey).unwrap_or(picture))
}

fn mask_fault(sample: &ImageSample, error: &dyn std::fmt::Display) -> Diagnostics {
    let message = format!("has a mask that cannot be used: it {error}");
    Diagnostics(vec![Diagnostic::of_file(&sample.name, message)])
}

/// Why a file's bytes are not there.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    /// The system's answer.
    #[error("cannot be read: {0}")]
    System(#[from] std::io::Error),
    /// A pipe, a device or a folder, of which reading might never end.
    #[error("is no ordinary file")]
    NoFile,
    /// Its size.
    #[error(transparent)]
    Large(PictureError),
}

/// The bytes of an ordinary file of bearable size.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, ReadError> {
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(ReadError::NoFile);
    }
    if metadata.len() > MAX_FILE_BYTES {
        return Err(ReadError::Large(PictureError::FileTooLarge(metadata.len())));
    }
    Ok(std::fs::read(path)?)
}

/// The key under which what was computed from [`load_pixels`] may be kept: sha256 over everything that the numbers
/// depend on (the file's bytes, the mask's, bucket, crop, mirror, background). What a model adds, such as the digest of
/// its encoder, is for the caller to add.
pub fn cache_key(sample: &ImageSample, view: View, background: Rgb) -> String {
    let Bucket { width, height } = sample.bucket;
    let mask = match sample.mask {
        MaskSource::Whole => "whole",
        MaskSource::Alpha => "alpha",
        MaskSource::File(_) => sample.mask_digest.as_str(),
    };
    let View { x, y, flip } = view;
    let text =
        format!("{RECIPE}\0{}\0{mask}\0{width}x{height}\0{x},{y}\0{flip}\0{background:?}", sample.digest);
    sha256_hex([text.as_bytes()])
}

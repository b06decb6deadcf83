//! Data sets of pictures with captions: found, examined, sorted into aspect buckets, ordered, and turned into numbers.

mod buckets;
mod caption;
mod check;
mod colour;
mod dataset;
mod decode;
mod draw;
mod duplicates;
mod examine;
mod find;
mod flag;
#[cfg(test)]
mod folder_tests;
mod font;
mod jpeg_end;
mod likeness;
mod parts;
mod picture;
mod pixels;
mod plan;
mod sample;
mod sheet;
mod table;
mod terminal;
#[cfg(test)]
pub(crate) mod testing;
pub(crate) mod words;

use loradeck_core::config::Diagnostic;

/// What is wrong with one picture, caption or row; boxed, because it is rare and large.
type Fault = Box<Diagnostic>;

pub use buckets::{Bucket, Fit, buckets, nearest};
pub use caption::{Caption, CaptionSource, with_trigger};
pub use check::{BucketRow, FEWEST_TO_RANK, ImageCheck};
pub use colour::colour;
pub use dataset::{ImageData, ImageDataset, ImageRequest, Progress, image_identity};
pub use decode::{Decoded, Facts, MAX_FILE_BYTES, MAX_PIXELS, MAX_SIDE, PictureError, decode, probe};
pub use draw::{View, caption_of, tags};
pub use duplicates::Twins;
pub use find::{Found, Layout, PictureFile, find};
pub use flag::Flag;
pub use likeness::Likeness;
pub use picture::{Picture, Rgb, luma};
pub use pixels::{Pixels, cache_key, load_crop, load_pixels};
pub use plan::{
    Draw, ImagePlan, MicroBatch, PlanRequest, PlanSample, evaluation_batches, regularisation_repeats,
};
pub use sample::{ImageSample, MaskSource};
pub use sheet::{Cell, Grid, contact_sheet};
pub use table::image_metadata_csv;
pub use terminal::{HalfBlock, UPPER_HALF, half_blocks, kitty, sixel};

//! One file of a picture → 8-bit RGB: EXIF rotation applied, transparency composited, greyscale, palettes, 16 bits and
//! CMYK converted, the first picture of an animation taken. Sizes are judged before anything is allocated.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use image::codecs::bmp::BmpDecoder;
use image::codecs::jpeg::JpegDecoder;
use image::codecs::png::PngDecoder;
use image::codecs::webp::WebPDecoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageResult, Limits};

use super::colour::{flatten, is_srgb};
use super::flag::Flag;
use super::jpeg_end;
use super::picture::{Picture, Rgb};

/// The longest side that is read, in pixels.
pub const MAX_SIDE: u32 = 16_384;
/// The most pixels that are read.
pub const MAX_PIXELS: u64 = 50_000_000;
/// The largest file that is read, in bytes.
pub const MAX_FILE_BYTES: u64 = 512 << 20;
/// What a decoder may allocate besides the picture itself: 16-bit RGBA of `MAX_PIXELS`, and as much again as half.
const MAX_ALLOCATION: u64 = MAX_PIXELS * 12;

/// Why a picture cannot be used; the file is named by who reports it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    /// The file has no bytes.
    #[error("is empty")]
    Empty,
    /// The contents are of no picture format.
    #[error("is not a picture: its contents are of no known format")]
    NotAPicture,
    /// The contents are of a picture format that is not read.
    #[error("is a {0} by its contents, which is not read (png, jpeg, webp and bmp are)")]
    NotRead(String),
    /// The file has too many bytes.
    #[error("has {0} bytes; at most {MAX_FILE_BYTES} are read")]
    FileTooLarge(u64),
    /// The header tells a size beyond the limits.
    #[error("has {width}x{height} pixels; at most {MAX_PIXELS} and {MAX_SIDE} a side are read")]
    TooLarge {
        /// Pixels from left to right.
        width: u32,
        /// Pixels from top to bottom.
        height: u32,
    },
    /// The file ends within the picture.
    #[error("is truncated: the file ends after {0} bytes, before the picture does")]
    Truncated(u64),
    /// The decoder gave up.
    #[error("is broken: {0}")]
    Broken(String),
}

/// What a header tells of a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Pixels from left to right, after rotation.
    pub width: u32,
    /// Pixels from top to bottom, after rotation.
    pub height: u32,
    /// The format by contents: `png`, `jpeg`, `webp` or `bmp`.
    pub format: &'static str,
    /// What was or will be converted.
    pub flags: Vec<Flag>,
}

/// A decoded picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The pixels, composited on the background.
    pub picture: Picture,
    /// The alpha channel, one byte a pixel, where not all of it is opaque.
    pub alpha: Option<Vec<u8>>,
    /// Size, format and conversions.
    pub facts: Facts,
}

type Boxed<'a> = Box<dyn ImageDecoder + 'a>;

struct Opened<'a> {
    decoder: Boxed<'a>,
    orientation: Orientation,
    facts: Facts,
}

/// Size, format and conversions by the header alone, without decoding any pixel.
pub fn probe(bytes: &[u8]) -> Result<Facts, PictureError> {
    guarded(|| open(bytes).map(|opened| opened.facts))
}

/// The whole picture, with transparent parts on `background`.
pub fn decode(bytes: &[u8], background: Rgb) -> Result<Decoded, PictureError> {
    guarded(|| {
        let Opened { decoder, orientation, mut facts } = open(bytes)?;
        let mut image =
            DynamicImage::from_decoder(decoder).map_err(|error| broken(bytes.len(), &error.to_string()))?;
        image.apply_orientation(orientation);
        let (picture, alpha) = flatten(&image, background).ok_or_else(|| no_pixels(&facts))?;
        if alpha.is_some() {
            facts.flags.push(Flag::Alpha);
        }
        Ok(Decoded { picture, alpha, facts })
    })
}

fn no_pixels(facts: &Facts) -> PictureError {
    PictureError::Broken(format!("its header says {}x{} pixels", facts.width, facts.height))
}

/// A decoder that panics on a malformed file must not take the training with it.
fn guarded<T>(work: impl FnOnce() -> Result<T, PictureError>) -> Result<T, PictureError> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(PictureError::Broken("cannot be decoded".into())))
}

fn broken(length: usize, reason: &str) -> PictureError {
    let lower = reason.to_lowercase();
    // What the decoders of the four formats say where bytes are missing.
    let missing = ["unexpected eof", "unexpected end", "failed to fill", "premature end", "no more bytes"];
    if missing.iter().any(|words| lower.contains(words)) {
        return PictureError::Truncated(length as u64);
    }
    PictureError::Broken(reason.trim_end_matches('.').to_owned())
}

fn open(bytes: &[u8]) -> Result<Opened<'_>, PictureError> {
    if bytes.is_empty() {
        return Err(PictureError::Empty);
    }
    let format = image::guess_format(bytes).map_err(|_| PictureError::NotAPicture)?;
    let mut flags = Vec::new();
    judge_png_header(bytes, format)?;
    let (mut decoder, name) =
        decoder_of(bytes, format, &mut flags)?.map_err(|error| broken(bytes.len(), &error.to_string()))?;
    let (width, height) = decoder.dimensions();
    judge_size(width, height)?;
    decoder.set_limits(limits()).map_err(|error| broken(bytes.len(), &error.to_string()))?;
    flags.extend(colour_flags(decoder.as_mut()));
    // EXIF that cannot be read is as good as none.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    if orientation != Orientation::NoTransforms {
        flags.push(Flag::Rotated);
    }
    let (width, height) = if turns(orientation) { (height, width) } else { (width, height) };
    Ok(Opened { decoder, orientation, facts: Facts { width, height, format: name, flags } })
}

fn limits() -> Limits {
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_ALLOCATION);
    limits
}

/// The size stands at a fixed place in a PNG file: it is judged before the decoder allocates a row.
fn judge_png_header(bytes: &[u8], format: ImageFormat) -> Result<(), PictureError> {
    let Some(sizes) = bytes.get(16..24).filter(|_| format == ImageFormat::Png) else { return Ok(()) };
    let number = |at: usize| u32::from_be_bytes([sizes[at], sizes[at + 1], sizes[at + 2], sizes[at + 3]]);
    judge_size(number(0), number(4))
}

fn judge_size(width: u32, height: u32) -> Result<(), PictureError> {
    let large = width > MAX_SIDE || height > MAX_SIDE || u64::from(width) * u64::from(height) > MAX_PIXELS;
    if large { Err(PictureError::TooLarge { width, height }) } else { Ok(()) }
}

fn decoder_of<'a>(
    bytes: &'a [u8],
    format: ImageFormat,
    flags: &mut Vec<Flag>,
) -> Result<ImageResult<(Boxed<'a>, &'static str)>, PictureError> {
    let reader = Cursor::new(bytes);
    let opened = match format {
        ImageFormat::Png => PngDecoder::with_limits(reader, limits()).map(|decoder| {
            flags.extend(decoder.is_apng().unwrap_or(false).then_some(Flag::Animated));
            (Box::new(decoder) as Boxed<'a>, "png")
        }),
        ImageFormat::Jpeg => {
            let markers = jpeg_end::markers(bytes);
            if !markers.whole {
                return Err(PictureError::Truncated(bytes.len() as u64));
            }
            flags.extend((markers.components == 4).then_some(Flag::Cmyk));
            JpegDecoder::new(reader).map(|decoder| (Box::new(decoder) as Boxed<'a>, "jpeg"))
        }
        ImageFormat::WebP => WebPDecoder::new(reader).map(|decoder| {
            flags.extend(decoder.has_animation().then_some(Flag::Animated));
            (Box::new(decoder) as Boxed<'a>, "webp")
        }),
        ImageFormat::Bmp => BmpDecoder::new(reader).map(|decoder| (Box::new(decoder) as Boxed<'a>, "bmp")),
        other => {
            let name = other.extensions_str().first().copied().unwrap_or("picture");
            return Err(PictureError::NotRead(name.to_uppercase()));
        }
    };
    Ok(opened)
}

fn colour_flags(decoder: &mut dyn ImageDecoder) -> Vec<Flag> {
    let colour = decoder.color_type();
    let deep = colour.bytes_per_pixel() / colour.channel_count() > 1;
    let profile = decoder.icc_profile().ok().flatten();
    [
        deep.then_some(Flag::SixteenBit),
        (!colour.has_color()).then_some(Flag::Greyscale),
        profile.is_some_and(|profile| !is_srgb(&profile)).then_some(Flag::ColourProfile),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn turns(orientation: Orientation) -> bool {
    matches!(
        orientation,
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    )
}

#[cfg(test)]
mod tests {
    use image::{ImageBuffer, Luma, LumaA, Rgba};
    use proptest::prelude::*;

    use super::*;

    fn png<P: image::PixelWithColorType>(pixel: P) -> Vec<u8>
    where
        [P::Subpixel]: image::EncodableLayout,
    {
        let mut out = Cursor::new(Vec::new());
        ImageBuffer::from_pixel(3, 2, pixel).write_to(&mut out, ImageFormat::Png).unwrap();
        out.into_inner()
    }

    #[test]
    fn deep_and_grey_pictures_become_rgb() {
        let deep = decode(&png(Luma([0x8080u16])), [0; 3]).unwrap();
        assert_eq!(deep.picture.pixel(0, 0), [0x80; 3]);
        assert_eq!(deep.facts.flags, [Flag::SixteenBit, Flag::Greyscale]);
        assert_eq!((deep.facts.width, deep.facts.height, deep.facts.format), (3, 2, "png"));
    }

    #[test]
    fn transparent_parts_show_the_background() {
        let bytes = png(Rgba([255u8, 0, 0, 51]));
        let on = |background| decode(&bytes, background).unwrap().picture.pixel(1, 1);
        assert_eq!(on([255; 3]), [255, 204, 204]);
        assert_eq!(on([0, 0, 0]), [51, 0, 0]);
        let decoded = decode(&bytes, [0; 3]).unwrap();
        assert_eq!((decoded.alpha, decoded.facts.flags), (Some(vec![51; 6]), vec![Flag::Alpha]));
        assert_eq!(decode(&png(LumaA([7u8, 255])), [255; 3]).unwrap().alpha, None);
    }

    #[test]
    fn sizes_are_refused_by_the_header() {
        let mut bytes = png(Luma([1u8]));
        bytes[16..24].copy_from_slice(&[0, 0, 0x27, 0x10, 0, 0, 0x17, 0x70]);
        assert_eq!(probe(&bytes), Err(PictureError::TooLarge { width: 10_000, height: 6_000 }));
        bytes[16..24].copy_from_slice(&[0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 1]);
        assert_eq!(decode(&bytes, [0; 3]), Err(PictureError::TooLarge { width: 0x7fff_ffff, height: 1 }));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..200), at in 0usize..60) {
            let _ = decode(&bytes, [0; 3]);
            let mut picture = png(Rgba([1u8, 2, 3, 4]));
            let end = picture.len();
            picture.splice(at.min(end)..end, bytes.drain(..));
            let _ = decode(&picture, [0; 3]);
        }
    }
}

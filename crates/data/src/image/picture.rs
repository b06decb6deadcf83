//! Pictures in memory: 8-bit RGB, row by row.

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::imageops::{self, FilterType as Resampling};
use image::{ExtendedColorType, ImageEncoder, RgbImage};

/// A colour: red, green and blue.
pub type Rgb = [u8; 3];

/// A picture: `width · height` pixels of three bytes, row by row from the top left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    width: u32,
    height: u32,
    rgb: Vec<u8>,
}

impl Picture {
    /// The picture of these bytes; `None` unless there are exactly `width · height · 3` of them, and at least one pixel.
    pub fn new(width: u32, height: u32, rgb: Vec<u8>) -> Option<Self> {
        let right = width > 0 && height > 0 && rgb.len() as u64 == u64::from(width) * u64::from(height) * 3;
        right.then_some(Self { width, height, rgb })
    }

    /// A picture of one colour; sides of 0 count as 1.
    pub fn filled(width: u32, height: u32, colour: Rgb) -> Self {
        let (width, height) = (width.max(1), height.max(1));
        let rgb = colour.repeat(width as usize * height as usize);
        Self { width, height, rgb }
    }

    /// Pixels from left to right.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Pixels from top to bottom.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// The bytes: red, green, blue of the top left pixel, then of its right neighbour, and so on.
    pub fn rgb(&self) -> &[u8] {
        &self.rgb
    }

    /// The colour at `x`, `y`; the nearest pixel's beyond the edges.
    pub fn pixel(&self, x: u32, y: u32) -> Rgb {
        let at = self.offset(x.min(self.width - 1), y.min(self.height - 1));
        [self.rgb[at], self.rgb[at + 1], self.rgb[at + 2]]
    }

    /// Colours the pixel at `x`, `y`; nothing beyond the edges.
    pub fn set(&mut self, x: u32, y: u32, colour: Rgb) {
        if x < self.width && y < self.height {
            let at = self.offset(x, y);
            self.rgb[at..at + 3].copy_from_slice(&colour);
        }
    }

    fn offset(&self, x: u32, y: u32) -> usize {
        (y as usize * self.width as usize + x as usize) * 3
    }

    /// Copies `other` with its top left corner at `x`, `y`; what reaches beyond the edges is left out.
    pub fn paste(&mut self, other: &Self, x: u32, y: u32) {
        let columns = other.width.min(self.width.saturating_sub(x)) as usize * 3;
        for row in 0..other.height.min(self.height.saturating_sub(y)) {
            let (from, to) = (other.offset(0, row), self.offset(x, y + row));
            if columns > 0 {
                self.rgb[to..to + columns].copy_from_slice(&other.rgb[from..from + columns]);
            }
        }
    }

    /// The picture at another size: Lanczos with three lobes, which averages when it makes smaller.
    #[must_use]
    pub fn resized(&self, width: u32, height: u32) -> Self {
        let (width, height) = (width.max(1), height.max(1));
        if (width, height) == (self.width, self.height) {
            return self.clone();
        }
        let Some(from) = RgbImage::from_raw(self.width, self.height, self.rgb.clone()) else {
            return self.clone();
        };
        let to = imageops::resize(&from, width, height, Resampling::Lanczos3);
        Self { width, height, rgb: to.into_raw() }
    }

    /// The picture made as large as fits into `width` × `height`, its shape kept.
    #[must_use]
    pub fn fitted(&self, width: u32, height: u32) -> Self {
        let scale = (f64::from(width.max(1)) / f64::from(self.width))
            .min(f64::from(height.max(1)) / f64::from(self.height));
        let side = |length: u32| ((f64::from(length) * scale).round() as u32).max(1);
        self.resized(side(self.width), side(self.height))
    }

    /// The part of `width` × `height` pixels whose top left corner is at `x`, `y`, cut to what there is.
    #[must_use]
    pub fn cropped(&self, x: u32, y: u32, width: u32, height: u32) -> Self {
        let (x, y) = (x.min(self.width - 1), y.min(self.height - 1));
        let (width, height) = (width.clamp(1, self.width - x), height.clamp(1, self.height - y));
        let mut rgb = Vec::with_capacity(width as usize * height as usize * 3);
        for row in y..y + height {
            let from = self.offset(x, row);
            rgb.extend_from_slice(&self.rgb[from..from + width as usize * 3]);
        }
        Self { width, height, rgb }
    }

    /// The picture mirrored, left for right.
    #[must_use]
    pub fn mirrored(&self) -> Self {
        let row = self.width as usize * 3;
        let rgb =
            self.rgb.chunks_exact(row).flat_map(|line| line.rchunks_exact(3).flatten().copied()).collect();
        Self { rgb, ..*self }
    }

    /// The picture as a PNG file; the same picture gives the same bytes.
    pub fn to_png(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let encoder = PngEncoder::new_with_quality(&mut out, CompressionType::Default, FilterType::Adaptive);
        // Writing into memory cannot fail, and the size was checked when the picture was made.
        let _ = encoder.write_image(&self.rgb, self.width, self.height, ExtendedColorType::Rgb8);
        out
    }
}

/// Brightness of a colour, 0 to 255 (Rec. 601: 0.299 red, 0.587 green, 0.114 blue, in whole numbers).
pub fn luma(colour: Rgb) -> u8 {
    let [red, green, blue] = colour.map(u32::from);
    ((299 * red + 587 * green + 114 * blue + 500) / 1000) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> Picture {
        Picture::new(2, 1, vec![255, 0, 0, 0, 0, 255]).unwrap()
    }

    #[test]
    fn a_picture_has_as_many_bytes_as_pixels_times_three() {
        assert!(Picture::new(2, 1, vec![0; 5]).is_none() && Picture::new(0, 0, Vec::new()).is_none());
        assert_eq!(two().pixel(1, 0), [0, 0, 255]);
        assert_eq!(two().pixel(9, 9), [0, 0, 255]);
    }

    #[test]
    fn mirror_crop_and_paste_move_pixels() {
        assert_eq!(two().mirrored().rgb(), [0, 0, 255, 255, 0, 0]);
        assert_eq!(two().mirrored().mirrored(), two());
        assert_eq!(two().cropped(1, 0, 5, 5).rgb(), [0, 0, 255]);
        let mut canvas = Picture::filled(3, 2, [9, 9, 9]);
        canvas.paste(&two(), 2, 1);
        assert_eq!(canvas.pixel(2, 1), [255, 0, 0]);
        assert_eq!(canvas.pixel(1, 1), [9, 9, 9]);
    }

    #[test]
    fn a_png_holds_the_same_picture() {
        let png = two().to_png();
        let back = image::load_from_memory(&png).unwrap().to_rgb8();
        assert_eq!((back.dimensions(), back.as_raw().as_slice()), ((2, 1), two().rgb()));
        assert_eq!(png, two().to_png());
    }

    #[test]
    fn resizing_keeps_one_colour_and_fitting_keeps_the_shape() {
        let plain = Picture::filled(40, 20, [10, 200, 77]);
        assert!(plain.resized(7, 31).rgb().chunks(3).all(|pixel| pixel == [10, 200, 77]));
        let fitted = plain.fitted(10, 10);
        assert_eq!((fitted.width(), fitted.height()), (10, 5));
        assert_eq!((luma([255; 3]), luma([0; 3]), luma([0, 255, 0])), (255, 0, 150));
    }
}

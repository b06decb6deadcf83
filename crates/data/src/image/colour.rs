//! Colours: the background's, transparency, and whether a profile is the usual one.

use image::DynamicImage;

use super::picture::{Picture, Rgb};

/// Whether a profile describes itself as sRGB, in ASCII or UTF-16.
pub(super) fn is_srgb(profile: &[u8]) -> bool {
    let has = |words: &[u8]| profile.windows(words.len()).any(|part| part == words);
    has(b"sRGB") || has(b"s\0R\0G\0B") || has(b"c2ci")
}

/// The pixels as RGB with transparent parts on `background`, and the alpha channel where not all of it is opaque.
pub(super) fn flatten(image: &DynamicImage, background: Rgb) -> Option<(Picture, Option<Vec<u8>>)> {
    let (width, height) = (image.width(), image.height());
    if !image.color().has_alpha() {
        return Some((Picture::new(width, height, image.to_rgb8().into_raw())?, None));
    }
    let rgba = image.to_rgba8();
    let mut rgb = Vec::with_capacity(width as usize * height as usize * 3);
    for pixel in rgba.pixels() {
        let alpha = u32::from(pixel[3]);
        for (channel, behind) in background.iter().enumerate() {
            let mixed = u32::from(pixel[channel]) * alpha + u32::from(*behind) * (255 - alpha);
            rgb.push(((mixed + 127) / 255) as u8);
        }
    }
    let transparent = rgba.pixels().any(|pixel| pixel[3] != 255);
    let alpha = transparent.then(|| rgba.pixels().map(|pixel| pixel[3]).collect());
    Some((Picture::new(width, height, rgb)?, alpha))
}

/// The colour that `text` names: `white`, `black`, or `#rrggbb`.
pub fn colour(text: &str) -> Option<Rgb> {
    match text {
        "white" => Some([255; 3]),
        "black" => Some([0; 3]),
        _ => {
            let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.is_ascii())?;
            let part = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).ok();
            // `from_str_radix` takes a sign.
            (!digits.contains(['+', '-'])).then(|| Some([part(0)?, part(2)?, part(4)?])).flatten()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_named_or_written_in_digits() {
        assert_eq!(colour("white"), Some([255; 3]));
        assert_eq!(colour("#0aFF10"), Some([10, 255, 16]));
        for wrong in ["", "red", "#12345", "#1234567", "#+1+1+1", "#ggg000", "#äöü"] {
            assert_eq!(colour(wrong), None, "{wrong}");
        }
    }
}

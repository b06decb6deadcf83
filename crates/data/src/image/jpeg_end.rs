//! What the decoder does not tell of a JPEG file: whether the file is whole, and how many colour components it has.
//!
//! Decoders fill the rest of a truncated JPEG with grey and report success, as browsers do; a training must not.

/// What the markers of a JPEG file say (ITU-T T.81, annex B).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct JpegMarkers {
    /// Components of the frame: 1 grey, 3 colour, 4 CMYK or YCCK.
    pub(super) components: u8,
    /// Whether the end-of-image marker was reached.
    pub(super) whole: bool,
}

const END_OF_IMAGE: u8 = 0xD9;
const START_OF_SCAN: u8 = 0xDA;

/// Walks the markers of `bytes`, from the start of the file to its end of image.
pub(super) fn markers(bytes: &[u8]) -> JpegMarkers {
    let mut found = JpegMarkers::default();
    let mut at = 2;
    while let Some(marker) = next_marker(bytes, &mut at) {
        match marker {
            END_OF_IMAGE => return JpegMarkers { whole: true, ..found },
            // Start of image, restart and temporary markers stand alone.
            0x01 | 0xD0..=0xD8 => continue,
            // A frame header, except for the tables with numbers among them (DHT, JPG, DAC).
            0xC0..=0xCF if !matches!(marker, 0xC4 | 0xC8 | 0xCC) => {
                found.components = bytes.get(at + 7).copied().unwrap_or(0);
            }
            _ => {}
        }
        let Some(length) = bytes.get(at..at + 2) else { return found };
        at += usize::from(u16::from_be_bytes([length[0], length[1]])).max(2);
        if marker == START_OF_SCAN {
            skip_scan(bytes, &mut at);
        }
    }
    found
}

/// The next marker's second byte; `at` then stands behind it.
fn next_marker(bytes: &[u8], at: &mut usize) -> Option<u8> {
    let start = bytes.get(*at..)?.iter().position(|byte| *byte == 0xFF)?;
    let code = bytes[*at + start..].iter().position(|byte| *byte != 0xFF)?;
    *at += start + code + 1;
    bytes.get(*at - 1).copied()
}

/// Moves over entropy-coded data: to the next 0xFF that begins a marker other than a restart.
fn skip_scan(bytes: &[u8], at: &mut usize) {
    while let Some([first, second]) = bytes.get(*at..*at + 2) {
        if *first == 0xFF && !matches!(second, 0x00 | 0xD0..=0xD7 | 0xFF) {
            return;
        }
        *at += 1;
    }
    *at = bytes.len();
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: [u8; 26] = [
        0xFF, 0xD8, 0xFF, 0xC0, 0, 11, 8, 0, 1, 0, 1, 4, 0, 0, 0, 0xFF, 0xDA, 0, 2, 7, 0xFF, 0x00, 0xFF,
        0xD0, 0xFF, 0xD9,
    ];

    #[test]
    fn only_a_file_with_its_end_is_whole() {
        assert_eq!(markers(&FILE), JpegMarkers { components: 4, whole: true });
        for length in 0..FILE.len() {
            assert!(!markers(&FILE[..length]).whole, "{length}");
        }
    }

    #[test]
    fn a_thumbnail_within_a_segment_is_not_the_end() {
        let mut file = vec![0xFF, 0xD8, 0xFF, 0xE1, 0, 6, 0xFF, 0xD8, 0xFF, 0xD9];
        file.extend([0xFF, 0xDA, 0, 2, 1, 2, 3]);
        assert!(!markers(&file).whole);
        file.extend([0xFF, 0xD9, 0, 0, 0]);
        assert!(markers(&file).whole);
    }
}

//! A text in a PNG file (PNG specification, third edition, §11.3.3: `iTXt`).

const SIGNATURE: usize = 8;
/// Length, type and checksum around a chunk's data.
const AROUND: usize = 12;

/// `png` with `text` under `keyword` (Latin letters) right after its header. Bytes that are no PNG come back unchanged.
pub fn with_text(png: &[u8], keyword: &str, text: &str) -> Vec<u8> {
    let header_length = png
        .get(SIGNATURE..SIGNATURE + 4)
        .map(|bytes| u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize);
    let Some(end) = header_length.map(|length| SIGNATURE + AROUND + length).filter(|end| *end <= png.len())
    else {
        return png.to_vec();
    };
    // Keyword, no compression, no language, no translated keyword, UTF-8 text.
    let mut chunk = b"iTXt".to_vec();
    chunk.extend(keyword.as_bytes());
    chunk.extend([0; 5]);
    chunk.extend(text.as_bytes());
    let mut out = png[..end].to_vec();
    out.extend(((chunk.len() - 4) as u32).to_be_bytes());
    out.extend(&chunk);
    out.extend(crc32(&chunk).to_be_bytes());
    out.extend(&png[end..]);
    out
}

/// The CRC-32 of PNG, zlib and Ethernet.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use loradeck_data::image::{Picture, decode};

    #[test]
    fn the_checksum_is_the_known_one() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }

    #[test]
    fn the_picture_stays_readable_and_carries_the_text() {
        let png = Picture::filled(3, 2, [9, 8, 7]).to_png();
        let with = with_text(&png, "parameters", "a fox\nSteps: 20, Größe");
        assert!(String::from_utf8_lossy(&with).contains("parameters\0\0\0\0\0a fox\nSteps: 20, Größe"));
        let read = decode(&with, [0; 3]).unwrap();
        assert_eq!((read.picture.width(), read.picture.pixel(1, 1)), (3, [9, 8, 7]));
        assert_eq!(with_text(b"no png", "a", "b"), b"no png");
    }
}

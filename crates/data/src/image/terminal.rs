//! Pictures in a terminal: half blocks for any, kitty's and sixel's escape sequences for those that know them. Pure
//! functions: nothing is written.

use std::fmt::Write;

use super::picture::{Picture, Rgb};

/// The upper half of a cell; the foreground colours it, the background the lower half.
pub const UPPER_HALF: char = '▀';

/// One cell of a terminal: character, foreground, background.
pub type HalfBlock = (char, Rgb, Rgb);

/// The picture in at most `columns` × `rows` cells, its shape kept on cells twice as tall as wide: rows of cells.
pub fn half_blocks(picture: &Picture, columns: u16, rows: u16) -> Vec<Vec<HalfBlock>> {
    if columns == 0 || rows == 0 {
        return Vec::new();
    }
    let small = picture.fitted(u32::from(columns), u32::from(rows) * 2);
    let line = |row: u32| {
        let cell = |x: u32| (UPPER_HALF, small.pixel(x, 2 * row), small.pixel(x, 2 * row + 1));
        (0..small.width()).map(cell).collect()
    };
    (0..small.height().div_ceil(2)).map(line).collect()
}

/// Characters of one piece of kitty's protocol.
const KITTY_PIECE: usize = 4096;

/// The picture as kitty's graphics protocol shows it at the cursor, in `columns` × `rows` cells (0: as large as it is).
pub fn kitty(picture: &Picture, columns: u16, rows: u16) -> String {
    let data = base64(&picture.to_png());
    let pieces: Vec<&[u8]> = data.as_bytes().chunks(KITTY_PIECE).collect();
    let mut out = String::new();
    for (index, piece) in pieces.iter().enumerate() {
        let more = u8::from(index + 1 < pieces.len());
        out.push_str("\x1b_G");
        if index == 0 {
            // f=100: PNG; a=T: send and show; q=2: no answers, which would land in the input.
            out.push_str("a=T,f=100,q=2,");
            if columns > 0 && rows > 0 {
                // Writing to a text cannot fail.
                let _ = write!(out, "c={columns},r={rows},");
            }
        }
        let _ = write!(out, "m={more};{}\x1b\\", String::from_utf8_lossy(piece));
    }
    out
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * place) & 63) as usize];
            out.push(if place > group.len() { '=' } else { char::from(digit) });
        }
    }
    out
}

/// Levels a channel of the sixel palette: 6³ = 216 colours.
const LEVELS: u32 = 6;
/// Thresholds of an ordered dither, 0 to 15 (Bayer, 1973).
const BAYER: [[u32; 4]; 4] = [[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]];

/// The picture as sixel graphics at the cursor: 216 fixed colours with an ordered dither, so that the same picture gives
/// the same text.
pub fn sixel(picture: &Picture) -> String {
    let (width, height) = (picture.width(), picture.height());
    // 9;1: background stays where nothing is drawn; then the raster's aspect 1:1 and its size.
    let mut out = format!("\x1bP9;1q\"1;1;{width};{height}");
    let mut defined = [false; 216];
    for top in (0..height).step_by(6) {
        let band: Vec<Vec<usize>> = (top..height.min(top + 6))
            .map(|y| (0..width).map(|x| palette(picture, x, y)).collect())
            .collect();
        let mut used: Vec<usize> = band.iter().flatten().copied().collect();
        used.sort_unstable();
        used.dedup();
        for (index, colour) in used.iter().enumerate() {
            if !std::mem::replace(&mut defined[*colour], true) {
                define(&mut out, *colour);
            }
            let _ = write!(out, "{}#{colour}", if index == 0 { "" } else { "$" });
            let bits = |x: usize| {
                let set = band.iter().enumerate().filter(|(_, row)| row[x] == *colour);
                set.fold(0u8, |bits, (row, _)| bits | 1 << row)
            };
            run_lengths(&mut out, (0..width as usize).map(bits));
        }
        out.push('-');
    }
    out.push_str("\x1b\\");
    out
}

/// The palette's number for a pixel, dithered by its place.
fn palette(picture: &Picture, x: u32, y: u32) -> usize {
    let threshold = BAYER[(y % 4) as usize][(x % 4) as usize];
    let level = |value: u8| {
        // value/255·5 and its fraction in sixteenths, compared with the threshold.
        let scaled = u32::from(value) * (LEVELS - 1) * 16 / 255;
        (scaled / 16 + u32::from(scaled % 16 > threshold)).min(LEVELS - 1)
    };
    let [red, green, blue] = picture.pixel(x, y).map(level);
    (red * 36 + green * 6 + blue) as usize
}

fn define(out: &mut String, colour: usize) {
    let percent = |level: usize| level * 20;
    let (red, green, blue) = (colour / 36, colour / 6 % 6, colour % 6);
    let _ = write!(out, "#{colour};2;{};{};{}", percent(red), percent(green), percent(blue));
}

fn run_lengths(out: &mut String, bits: impl Iterator<Item = u8>) {
    let mut flush = |bits: u8, count: usize| {
        let character = char::from(63 + bits);
        if count > 3 {
            let _ = write!(out, "!{count}{character}");
        } else {
            (0..count).for_each(|_| out.push(character));
        }
    };
    let mut run: Option<(u8, usize)> = None;
    for next in bits {
        run = match run {
            Some((bits, count)) if bits == next => Some((bits, count + 1)),
            Some((bits, count)) => {
                flush(bits, count);
                Some((next, 1))
            }
            None => Some((next, 1)),
        };
    }
    if let Some((bits, count)) = run {
        flush(bits, count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_blocks_keep_the_shape_and_the_colours() {
        let mut picture = Picture::filled(4, 4, [255, 0, 0]);
        (0..4).for_each(|x| (2..4).for_each(|y| picture.set(x, y, [0, 0, 255])));
        let blocks = half_blocks(&picture, 4, 10);
        assert_eq!((blocks.len(), blocks[0].len()), (2, 4));
        assert_eq!(blocks[0][1], ('▀', [255, 0, 0], [255, 0, 0]));
        assert_eq!(blocks[1][3], ('▀', [0, 0, 255], [0, 0, 255]));
        assert!(half_blocks(&picture, 0, 3).is_empty());
        let wide = half_blocks(&Picture::filled(300, 100, [1; 3]), 30, 30);
        assert_eq!((wide.len(), wide[0].len()), (5, 30));
    }

    #[test]
    fn base64_has_the_vectors_of_rfc_4648() {
        let vectors = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("foobar", "Zm9vYmFy"),
        ];
        for (plain, encoded) in vectors {
            assert_eq!(base64(plain.as_bytes()), encoded);
        }
    }

    #[test]
    fn kitty_pieces_are_short_and_the_last_one_says_so() {
        let noisy = crate::image::likeness::tests::blobs(3, 200, 200);
        let text = kitty(&noisy, 20, 10);
        let pieces: Vec<&str> = text.split("\x1b\\").filter(|piece| !piece.is_empty()).collect();
        assert!(pieces.len() > 2 && pieces.iter().all(|piece| piece.len() < KITTY_PIECE + 60));
        assert!(pieces[0].starts_with("\x1b_Ga=T,f=100,q=2,c=20,r=10,m=1;iVBORw0KGgo"));
        assert!(pieces[1].starts_with("\x1b_Gm=1;") && pieces[pieces.len() - 1].starts_with("\x1b_Gm=0;"));
    }

    #[test]
    fn sixels_draw_every_pixel_once() {
        let mut picture = Picture::filled(5, 7, [255; 3]);
        picture.set(1, 0, [0; 3]);
        let text = sixel(&picture);
        // Black is 0, white 215; the first band has six rows, the second one.
        let expected = "\x1bP9;1q\"1;1;5;7#0;2;0;0;0#0?@???#215;2;100;100;100$#215~}~~~-#215!5@-\x1b\\";
        assert_eq!(text, expected);
    }
}

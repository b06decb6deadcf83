//! Files that are no pictures, and pictures that have to be converted.

use super::*;
use crate::image::{Decoded, Flag, Picture, decode, probe};

#[test]
fn truncated_files_are_named() {
    let png = good(2);
    for length in [30, png.len() / 2, png.len() - 20] {
        let error = bad("x.png", &png[..length]);
        assert!(error.contains("truncated") || error.contains("broken"), "{length}: {error}");
    }
    for file in [fixture!("plain.jpg"), fixture!("progressive.jpg")] {
        for length in [file.len() / 2, file.len() - 2] {
            let error = bad("x.jpg", &file[..length]);
            let expected = format!("is truncated: the file ends after {length} bytes");
            assert!(error.contains(&expected), "{error}");
        }
    }
    assert!(bad("x.webp", &fixture!("plain.webp")[..60]).contains("x.webp: is "));
    assert!(bad("x.bmp", &fixture!("plain.bmp")[..3000]).contains("x.bmp: is "));
}

#[test]
fn what_is_no_picture_is_named() {
    assert!(bad("x.png", b"").contains("is empty"));
    assert!(bad("x.png", b"hello, I am a text\n").contains("is not a picture"));
    assert!(bad("x.png", fixture!("animated.gif")).contains("is a GIF by its contents, which is not read"));
    let mut broken = good(3);
    let middle = broken.len() / 2;
    broken[middle] ^= 0x55;
    assert!(bad("x.png", &broken).contains("x.png: is broken: "));
}

#[test]
fn what_cannot_be_read_is_named() {
    let workspace = Workspace::new();
    workspace.write("d/good.png", good(1)).write("d/good.txt", "a");
    std::os::unix::fs::symlink("nowhere.png", workspace.root().join("d/x.png")).unwrap();
    assert!(refused(&workspace, "x.png").contains("cannot be read: No such file"));
    std::fs::remove_file(workspace.root().join("d/x.png")).unwrap();
    // A socket stands for everything of which reading might never end.
    let _socket = std::os::unix::net::UnixListener::bind(workspace.root().join("d/x.png")).unwrap();
    assert!(refused(&workspace, "x.png").contains("is no ordinary file"));
}

#[test]
fn tiny_pictures_are_named() {
    let of = |width, height| bad("x.png", &blobs(2, width, height).to_png());
    assert!(of(1, 1).contains("has 1x1 pixels; at resolution 64 the shorter side must have 16 or more"));
    assert!(of(300, 15).contains("has 300x15 pixels"));
    let workspace = Workspace::new();
    workspace.write("d/x.png", blobs(2, 30, 40).to_png()).write("d/y.png", good(3));
    let notes = workspace.notes("d");
    assert!(notes.contains("1 picture smaller than the bucket, and enlarged to it: 'x.png'"), "{notes}");
}

#[test]
fn bombs_are_refused_by_their_header() {
    // 60 megapixels of one colour as a real file of some kilobytes.
    let bomb = Picture::filled(10_000, 6_000, [7; 3]).to_png();
    assert!(bomb.len() < 1 << 20);
    assert!(
        bad("x.png", &bomb).contains("has 10000x6000 pixels; at most 50000000 and 16384 a side are read")
    );
    let mut header = good(2);
    header[16..24].copy_from_slice(&[0x7f, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff]);
    assert!(bad("x.png", &header).contains("has 2147483647x2147483647 pixels"));
    let mut bmp = fixture!("plain.bmp").to_vec();
    bmp[18..26].copy_from_slice(&[0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0, 0]);
    assert!(bad("x.bmp", &bmp).starts_with("d/x.bmp: "));
    let mut jpeg = fixture!("plain.jpg").to_vec();
    let frame = jpeg.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0xff; 4]);
    assert!(bad("x.jpg", &jpeg).contains("has 65535x65535 pixels"));
}

/// The colours in the middle of the quadrants: upper left and right, lower left and right.
fn quadrants(picture: &Picture) -> [[u8; 3]; 4] {
    let (right, below) = (picture.width() * 3 / 4, picture.height() * 3 / 4);
    let (left, above) = (picture.width() / 4, picture.height() / 4);
    [(left, above), (right, above), (left, below), (right, below)].map(|(x, y)| picture.pixel(x, y))
}

const RED_GREEN_BLUE_WHITE: [[u8; 3]; 4] = [[220, 30, 30], [30, 200, 40], [30, 40, 220], [245, 245, 245]];

fn assert_upright(name: &str, decoded: &Decoded, tolerance: u8) {
    assert_eq!((decoded.picture.width(), decoded.picture.height()), (48, 32), "{name}");
    for (seen, expected) in quadrants(&decoded.picture).iter().zip(RED_GREEN_BLUE_WHITE) {
        let near = seen.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= tolerance);
        assert!(near, "{name}: {:?}", quadrants(&decoded.picture));
    }
}

#[test]
fn exif_rotation_is_applied() {
    let rotated: [(&str, &[u8]); 9] = [
        ("2", fixture!("exif_2.jpg")),
        ("3", fixture!("exif_3.jpg")),
        ("4", fixture!("exif_4.jpg")),
        ("5", fixture!("exif_5.jpg")),
        ("6", fixture!("exif_6.jpg")),
        ("7", fixture!("exif_7.jpg")),
        ("8", fixture!("exif_8.jpg")),
        ("png", fixture!("exif_6.png")),
        ("webp", fixture!("exif_6.webp")),
    ];
    for (name, bytes) in rotated {
        let decoded = decode(bytes, [255; 3]).unwrap();
        assert_upright(name, &decoded, 6);
        assert_eq!(decoded.facts.flags, [Flag::Rotated], "{name}");
        let facts = probe(bytes).unwrap();
        assert_eq!((facts.width, facts.height), (48, 32), "{name}");
    }
}

#[test]
fn every_colour_model_becomes_rgb() {
    let converted: [(&str, &[u8], &[Flag]); 7] = [
        ("cmyk", fixture!("cmyk.jpg"), &[Flag::Cmyk]),
        ("palette", fixture!("palette.png"), &[]),
        ("webp", fixture!("plain.webp"), &[]),
        ("bmp", fixture!("plain.bmp"), &[]),
        ("progressive", fixture!("progressive.jpg"), &[]),
        ("animated png", fixture!("animated.png"), &[Flag::Animated]),
        ("animated webp", fixture!("animated.webp"), &[Flag::Animated]),
    ];
    for (name, bytes, flags) in converted {
        let decoded = decode(bytes, [255; 3]).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_upright(name, &decoded, 8);
        assert_eq!(decoded.facts.flags, flags, "{name}");
    }
}

#[test]
fn grey_bits_and_transparent_palettes_too() {
    for bytes in [fixture!("grey.jpg"), fixture!("one_bit.png")] {
        let decoded = decode(bytes, [255; 3]).unwrap();
        let [red, ..] = quadrants(&decoded.picture);
        assert!(red[0] == red[1] && red[1] == red[2]);
        assert_eq!(decoded.facts.flags, [Flag::Greyscale]);
    }
    let decoded = decode(fixture!("palette_transparent.png"), [1, 2, 3]).unwrap();
    assert_eq!(quadrants(&decoded.picture), [[1, 2, 3], [30, 200, 40], [30, 40, 220], [245, 245, 245]]);
    assert_eq!(decoded.facts.flags, [Flag::Alpha]);
}

#[test]
fn conversions_are_told_by_name() {
    let workspace = Workspace::new();
    workspace
        .write("d/a.jpg", fixture!("cmyk.jpg"))
        .write("d/b.png", fixture!("animated.png"))
        .write("d/c.png", fixture!("plain.jpg"))
        .write("d/d.JPG", fixture!("exif_6.jpg"))
        .write("d/e.PNG", fixture!("palette_transparent.png"));
    let data = workspace.loaded("d");
    assert_eq!(data.train.samples.len(), 5);
    let notes = data.notes(&settings()).join("\n");
    for part in [
        "1 picture converted from CMYK to RGB without a colour profile: 'a.jpg'",
        "1 picture with several frames, of which the first is used: 'b.png'",
        "1 picture of another format than the file's extension says: 'c.png'",
        "1 picture turned as EXIF data says: 'd.JPG'",
        "1 picture with transparent parts, composited on the background: 'e.PNG'",
    ] {
        assert!(notes.contains(part), "{part}\n{notes}");
    }
}

#[test]
fn duplicates_are_named() {
    let workspace = Workspace::new();
    workspace
        .write("d/a.png", good(1))
        .write("d/b.png", good(1))
        .write("d/c.png", blobs(1, 90, 90).to_png())
        .write("d/e.png", good(2));
    let notes = workspace.notes("d");
    assert!(notes.contains("1 picture is the same file as an earlier one: 'b.png = a.png'"), "{notes}");
    assert!(notes.contains("1 picture looks nearly like an earlier one: 'c.png = a.png'"), "{notes}");
}

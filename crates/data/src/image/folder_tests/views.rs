//! From samples to numbers, keys and sheets.

use super::*;
use crate::image::{Draw, Picture, View, cache_key, contact_sheet, load_crop, load_pixels};

#[test]
fn pixels_are_the_crop_from_minus_one_to_one() {
    let workspace = Workspace::new();
    // Left half black, right half white, twice as wide as high: the 88x40 bucket.
    let mut picture = Picture::filled(176, 80, [0; 3]);
    (88..176).for_each(|x| (0..80).for_each(|y| picture.set(x, y, [255, 255, 0])));
    workspace.write("d/a.png", picture.to_png());
    let data = workspace.loaded("d");
    let sample = &data.train.samples[0];
    let pixels = load_pixels(sample, View::centre(&sample.fit()), [255; 3]).unwrap();
    assert_eq!(
        (pixels.width, pixels.height, pixels.rgb.len(), pixels.mask.is_none()),
        (88, 40, 3 * 88 * 40, true)
    );
    let plane = 88 * 40;
    // Far from the edge in the middle, where Lanczos overshoots.
    let corners = |at: usize| [pixels.rgb[at], pixels.rgb[plane + at], pixels.rgb[2 * plane + at]];
    let near = |seen: &[f32], expected: &[f32]| seen.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6);
    assert!(near(&corners(2), &[-1.0, -1.0, -1.0]) && near(&corners(85), &[1.0, 1.0, -1.0]));
    let flipped = load_pixels(sample, View { x: 0, y: 0, flip: true }, [255; 3]).unwrap();
    assert!(near(&[flipped.rgb[2], flipped.rgb[plane + 2]], &[1.0, 1.0]));
    workspace.write("d/a.png", good(8));
    let error = load_pixels(sample, View::centre(&sample.fit()), [255; 3]).unwrap_err().to_string();
    assert!(error.starts_with("d/a.png: has changed since it was examined"), "{error}");
}

#[test]
fn keys_differ_with_everything_that_pixels_depend_on() {
    let workspace = Workspace::new();
    workspace.write("d/a.png", good(1)).write("d/b.png", good(2));
    let data = workspace.loaded("d");
    let sample = &data.train.samples[0];
    let view = View { x: 0, y: 0, flip: false };
    let mut larger = sample.clone();
    larger.bucket.width += 8;
    let mut masked = sample.clone();
    masked.mask = crate::image::MaskSource::Alpha;
    let keys = [
        cache_key(sample, view, [255; 3]),
        cache_key(&data.train.samples[1], view, [255; 3]),
        cache_key(&larger, view, [255; 3]),
        cache_key(&masked, view, [255; 3]),
        cache_key(sample, View { x: 1, ..view }, [255; 3]),
        cache_key(sample, View { y: 1, ..view }, [255; 3]),
        cache_key(sample, View { flip: true, ..view }, [255; 3]),
        cache_key(sample, view, [0; 3]),
    ];
    let different: std::collections::BTreeSet<&String> = keys.iter().collect();
    assert_eq!(different.len(), keys.len());
    let mut moved = sample.clone();
    (moved.name, moved.caption, moved.repeats) = ("x".into(), "y".into(), 9);
    assert_eq!(cache_key(&moved, view, [255; 3]), keys[0]);
}

#[test]
fn random_crops_stay_within_the_picture() {
    let workspace = Workspace::new();
    workspace.write("d/a.png", blobs(1, 100, 64).to_png());
    let random = ImageSettings { random_crop: true, flip_aug: true, bucket_reso_steps: 64, ..settings() };
    let data = workspace.load("d", &random).unwrap();
    let sample = &data.train.samples[0];
    assert_eq!(sample.fit().slack(), (36, 0));
    for occurrence in 0..40 {
        let view = View::of(5, Draw { sample: 0, epoch: 1, occurrence }, &sample.fit(), &random);
        let crop = load_crop(sample, view, data.background).unwrap();
        assert_eq!((crop.width(), crop.height()), (64, 64));
    }
}

#[test]
fn a_contact_sheet_shows_every_sample() {
    let workspace = Workspace::new();
    workspace.write("d/a.png", good(1)).write("d/b.png", good(2)).write("d/c.png", good(3));
    let data = workspace.loaded("d");
    let samples: Vec<_> = data.train.samples.iter().collect();
    let sheet = contact_sheet(&samples, data.background, 2, 64).unwrap();
    let crop = load_crop(samples[2], View::centre(&samples[2].fit()), data.background).unwrap();
    assert_eq!(sheet.pixel(8 + 32, 8 + 92 + 32), crop.pixel(32, 32));
    assert_eq!(sheet.width(), 8 + 2 * 72);
}

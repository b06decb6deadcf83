//! Whole data sets: what is bad, held out, masked, and told.

use std::sync::Mutex;

use super::*;
use crate::image::{MaskSource, Picture, Progress, View, image_identity, load_pixels};

#[test]
fn all_bad_pictures_are_told_at_once_and_progress_reaches_the_end() {
    let workspace = Workspace::new();
    workspace
        .write("d/a.png", good(1))
        .write("d/b.png", b"")
        .write("d/c.png", b"text")
        .write("d/e.txt", b"\xff")
        .write("d/e.png", good(2));
    let error = workspace.error("d");
    let lines: Vec<&str> = error.lines().filter(|line| !line.starts_with("  hint")).collect();
    assert_eq!(lines.len(), 3, "{error}");
    let seen = Mutex::new(Vec::new());
    let settings = skipping();
    let request = ImageRequest {
        root: workspace.root(),
        train_data_dir: "d",
        eval_data_dir: None,
        eval_split: 0.0,
        split_seed: 0,
        settings: &settings,
    };
    ImageData::load(&request, &|progress| seen.lock().unwrap().push(progress)).unwrap();
    assert!(seen.into_inner().unwrap().contains(&Progress { done: 3, total: 3 }));
    let only_bad = Workspace::new();
    only_bad.write("d/b.png", b"");
    let error = only_bad.load("d", &skipping()).unwrap_err().to_string();
    assert!(
        error.contains("d: has no picture that can be used; 1 were left out\nd/b.png: is empty"),
        "{error}"
    );
}

#[test]
fn settings_that_cannot_be_used_are_told() {
    let workspace = Workspace::new();
    workspace.write("d/a.png", good(1));
    let error = |settings: ImageSettings| workspace.load("d", &settings).unwrap_err().to_string();
    assert!(
        error(ImageSettings { background: "re\u{1b}d".into(), ..settings() })
            .contains("background: 're␛d' is no colour")
    );
    assert!(
        error(ImageSettings { resolution: 7, min_bucket_reso: 8, ..settings() }).contains("leaves no room")
    );
    assert!(error(ImageSettings { num_repeats: u32::MAX, ..settings() }).contains("lower num_repeats"));
}

fn many() -> Workspace {
    let workspace = Workspace::new();
    for number in 0..12 {
        workspace
            .write(&format!("d/{number:02}.png"), good(number))
            .write(&format!("d/{number:02}.txt"), "a");
    }
    workspace.write("d/12.png", good(3)).write("d/12.txt", "b");
    workspace
}

fn held_out(workspace: &Workspace, split_seed: u64, eval_split: f64) -> Option<Vec<String>> {
    let settings = settings();
    let request = ImageRequest {
        root: workspace.root(),
        train_data_dir: "d",
        eval_data_dir: None,
        eval_split,
        split_seed,
        settings: &settings,
    };
    let data = ImageData::load(&request, &|_| {}).unwrap();
    let part = data.held_out.as_ref()?;
    let names =
        |samples: &[crate::image::ImageSample]| samples.iter().map(|s| s.digest.clone()).collect::<Vec<_>>();
    let (train, out) = (names(&data.train.samples), names(&part.samples));
    assert_eq!(train.len() + out.len(), 13);
    assert!(!train.is_empty() && out.iter().all(|digest| !train.contains(digest)));
    Some(out)
}

#[test]
fn held_out_pictures_depend_on_their_bytes_and_the_split_seed_alone() {
    let workspace = many();
    let first = held_out(&workspace, 0, 0.25).unwrap();
    assert!((3..=4).contains(&first.len()), "{}", first.len());
    assert_ne!(first, held_out(&workspace, 1, 0.25).unwrap());
    std::fs::rename(workspace.root().join("d/00.png"), workspace.root().join("d/zz.png")).unwrap();
    let mut renamed = held_out(&workspace, 0, 0.25).unwrap();
    let mut first = first;
    first.sort();
    renamed.sort();
    assert_eq!(first, renamed);
    assert!(held_out(&workspace, 0, 0.999).is_some());
    assert_eq!(held_out(&workspace, 0, 0.0), None);
    let twins = Workspace::new();
    twins.write("d/a.png", good(1)).write("d/b.png", good(1));
    let settings = settings();
    let request = ImageRequest {
        root: twins.root(),
        train_data_dir: "d",
        eval_data_dir: None,
        eval_split: 0.5,
        split_seed: 0,
        settings: &settings,
    };
    assert!(ImageData::load(&request, &|_| {}).unwrap().held_out.is_none());
}

#[test]
fn an_evaluation_folder_is_read_and_what_leaks_is_told() {
    let workspace = many();
    workspace.write("e/5_x/new.png", good(50)).write("e/5_x/old.png", good(2));
    let settings = settings();
    let request = ImageRequest {
        root: workspace.root(),
        train_data_dir: "d",
        eval_data_dir: Some("e"),
        eval_split: 0.0,
        split_seed: 0,
        settings: &settings,
    };
    let data = ImageData::load(&request, &|_| {}).unwrap();
    assert!(data.held_out.as_ref().unwrap().samples.iter().all(|sample| sample.repeats == 1));
    let notes = data.notes(&settings).join("\n");
    assert!(notes.contains("1 held-out picture is also trained on: '5_x/old.png = 02.png'"), "{notes}");
    let csv = data.metadata_csv();
    assert_eq!(csv.lines().count(), 1 + 13 + 2);
    assert!(csv.contains("\neval,e/5_x/new.png,64,64,64x64,1,x,"), "{csv}");
    let missing = ImageRequest { eval_data_dir: Some("nowhere"), train_data_dir: "nothing", ..request };
    let error = ImageData::load(&missing, &|_| {}).unwrap_err().to_string();
    assert!(
        error.contains("nothing: there is no such folder") && error.contains("nowhere: there is"),
        "{error}"
    );
}

#[test]
fn the_fingerprint_is_the_one_of_the_frozen_configuration_and_tells_changes() {
    let workspace = many();
    workspace.write("d/bad.png", b"x");
    let skipped = workspace.load("d", &skipping()).unwrap().train;
    let identity = image_identity(workspace.root(), "d").unwrap();
    assert_eq!(
        (&identity.fingerprint, identity.size, identity.samples),
        (&skipped.fingerprint, skipped.size, 14)
    );
    workspace.write("d/03.txt", "other");
    let other = image_identity(workspace.root(), "d").unwrap();
    assert_ne!(identity.fingerprint, other.fingerprint);
    workspace.write("d/03.txt", "a");
    assert_eq!(image_identity(workspace.root(), "d").unwrap(), identity);
    workspace.write("d/masks/03.png", good(9));
    assert_ne!(image_identity(workspace.root(), "d").unwrap(), identity);
}

#[test]
fn a_check_tells_buckets_and_the_arithmetic_of_steps() {
    let workspace = many();
    workspace.write("d/wide.png", blobs(70, 100, 50).to_png());
    let data = workspace.loaded("d");
    let check = check(&data, &settings());
    assert_eq!((check.summary.as_str(), check.images), ("14 images (2 buckets, mostly 64x64)", 14));
    assert_eq!(workspace_summary(), "12 images (64x64)");
    let rows: Vec<(&str, usize, u64, u64)> =
        check.buckets.iter().map(|row| (row.bucket.as_str(), row.pictures, row.looks, row.batches)).collect();
    assert_eq!(rows, [("64x64", 13, 13, 7), ("88x40", 1, 1, 1)]);
    assert_eq!(check.arithmetic()[1], "8 batches ÷ 1 = 8 steps an epoch; × 10 epochs = 80 steps");
    assert_eq!((check.steps_per_epoch, check.total_steps), (8, 80));
    let lines = check.lines().join("\n");
    assert!(lines.contains("captions: 13 .txt, 1 none") && lines.contains("7 + 1 = 8 batches"), "{lines}");
    let json = serde_json::to_string(&check).unwrap();
    assert_eq!(serde_json::from_str::<ImageCheck>(&json).unwrap(), check);
}

fn workspace_summary() -> String {
    let workspace = many();
    std::fs::remove_file(workspace.root().join("d/12.png")).unwrap();
    workspace.loaded("d").train.summary()
}

#[test]
fn masks_are_found_and_follow_crop_and_mirror() {
    let workspace = Workspace::new();
    let mut mask = Picture::filled(64, 64, [0; 3]);
    (0..32).for_each(|x| (0..64).for_each(|y| mask.set(x, y, [255; 3])));
    workspace
        .write("d/a.png", good(1))
        .write("d/a.mask.png", mask.to_png())
        .write("d/b.png", good(2))
        .write("d/masks/b.png", mask.to_png())
        .write("d/c.png", fixture!("palette_transparent.png"))
        .write("d/e.png", good(4));
    let masked = ImageSettings { masked_loss: true, ..settings() };
    let data = workspace.load("d", &masked).unwrap();
    let kinds: Vec<&MaskSource> = data.train.samples.iter().map(|sample| &sample.mask).collect();
    assert!(matches!(
        kinds[..],
        [MaskSource::File(_), MaskSource::File(_), MaskSource::Alpha, MaskSource::Whole]
    ));
    let view = |flip| View { x: 0, y: 0, flip };
    let left = |index: usize, flip: bool| {
        let pixels = load_pixels(&data.train.samples[index], view(flip), [255; 3]).unwrap();
        pixels.mask.map(|mask| (mask[4], mask[pixels.width as usize - 5]))
    };
    assert_eq!((left(0, false), left(1, true), left(3, false)), (Some((1.0, 0.0)), Some((0.0, 1.0)), None));
    assert_eq!(left(2, false), Some((0.0, 1.0)));
    let notes = data.notes(&masked).join("\n");
    assert!(notes.contains("1 picture without a mask, counted as a whole: 'e.png'"), "{notes}");
    let unused = workspace.loaded("d").notes(&settings()).join("\n");
    assert!(
        unused.contains("2 pictures with a mask, which does not count without masked_loss: true"),
        "{unused}"
    );
    workspace.write("d/a.mask.png", Picture::filled(64, 32, [9; 3]).to_png());
    let error = workspace.load("d", &masked).unwrap_err().to_string();
    assert!(
        error.contains("d/a.png: has a mask (a.mask.png) that has another shape: 64x32 instead of 64x64"),
        "{error}"
    );
}

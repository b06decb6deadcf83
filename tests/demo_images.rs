//! What `./x demo --image --plain` has left behind, examined: `LORADECK_DEMO_IMAGES` names its workspace. `.ci/run`
//! makes one and runs this; without it the tests are skipped, and said to be.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::Path;
use std::process::Command;

use loradeck_core::run::{RunFolder, State, Status, Summary, Workspace};
use loradeck_data::image::{Picture, decode};

/// Bins of a colour's share in a histogram.
const BINS: usize = 5;

fn demo() -> Option<Workspace> {
    let Some(folder) = std::env::var_os("LORADECK_DEMO_IMAGES") else {
        let required = std::env::var_os("LORADECK_REQUIRE_ALL").is_some();
        assert!(!required, "LORADECK_DEMO_IMAGES names no demo workspace");
        note_skipped();
        return None;
    };
    Some(Workspace::find(Path::new(&folder)).unwrap())
}

fn note_skipped() {
    use std::io::Write;
    if let Some(list) = std::env::var_os("LORADECK_SKIPPED") {
        let mut list = fs::OpenOptions::new().append(true).create(true).open(list).unwrap();
        writeln!(list, "tests/demo_images.rs: no demo was run (LORADECK_DEMO_IMAGES names none)").unwrap();
    }
}

fn runs(workspace: &Workspace) -> Vec<RunFolder> {
    workspace.experiment("chalk-style").runs()
}

fn picture(path: &Path) -> Picture {
    decode(&fs::read(path).unwrap(), [0; 3]).unwrap().picture
}

/// Shares of 5×5×5 colours.
fn colours(picture: &Picture) -> Vec<f64> {
    let mut shares = vec![0.0; BINS.pow(3)];
    let bin = |level: u8| usize::from(level) * BINS / 256;
    let pixels = picture.rgb().chunks_exact(3);
    let each = 1.0 / pixels.len() as f64;
    for pixel in pixels {
        shares[(bin(pixel[0]) * BINS + bin(pixel[1])) * BINS + bin(pixel[2])] += each;
    }
    shares
}

/// Half of the summed differences: 0 for the same colours, 1 for none in common.
fn distance(left: &Picture, right: &Picture) -> f64 {
    let (left, right) = (colours(left), colours(right));
    left.iter().zip(&right).map(|(left, right)| (left - right).abs()).sum::<f64>() / 2.0
}

#[test]
fn both_runs_finished_and_the_held_out_loss_fell() {
    let Some(workspace) = demo() else { return };
    let runs = runs(&workspace);
    assert_eq!(runs.len(), 2);
    for run in &runs {
        assert_eq!(Status::read(run).unwrap().unwrap().state, State::Finished);
        let summary = Summary::read(run).unwrap().unwrap();
        let eval = &summary.metrics["eval/loss"];
        assert!(eval.best < 0.5 * eval.first, "{}: {eval:?}", run.label());
        assert!(summary.images > 1800 && summary.tokens == 0, "{}", summary.images);
        let released = format!("chalk-{}.safetensors", &run.name()[..4]);
        for name in [released.as_str(), "pytorch_lora_weights.safetensors"] {
            assert!(run.checkpoints().join(name).exists(), "{name}");
        }
    }
}

#[test]
fn samples_come_near_the_same_captions_drawn_in_the_style() {
    let Some(workspace) = demo() else { return };
    let held_out = workspace.experiment("chalk-style").path().join("held-out");
    let captions = fs::read_to_string(held_out.join("captions.txt")).unwrap();
    for run in runs(&workspace) {
        let (settings, _) = loradeck_core::config::load_frozen(&run.config(), &[]).unwrap();
        let (mut before, mut after) = (0.0, 0.0);
        for (index, prompt) in settings.sample_prompts.iter().enumerate() {
            let caption = prompt.strip_prefix("chalk, ").unwrap();
            let number = captions.lines().position(|line| line.trim() == caption).unwrap();
            let target = picture(&held_out.join(format!("chalk/{number:02}.png")));
            let sample = |step: u64| {
                let name = format!("step-{step:08}-prompt-{:02}-seed-{}.png", index + 1, index + 1);
                distance(&picture(&run.samples().join(name)), &target)
            };
            before += sample(0);
            after += sample(500);
        }
        assert!(after < 0.5 * before, "{}: {before} before, {after} after", run.label());
    }
}

#[test]
fn reports_and_the_comparison_show_pictures_and_are_committed() {
    let Some(workspace) = demo() else { return };
    let output = Command::new("git").args(["ls-files"]).current_dir(workspace.root()).output().unwrap();
    let committed = String::from_utf8(output.stdout).unwrap();
    for run in runs(&workspace) {
        let report = fs::read_to_string(run.report()).unwrap();
        let webui = format!("<lora:chalk-{}:0.8> chalk, ", &run.name()[..4]);
        assert!(report.contains("30 images (128x128)") && report.contains(&webui));
        assert!(report.contains("](samples/contact-sheet.png)"));
        let folder = format!("experiments/chalk-style/runs/{}", run.name());
        for name in ["README.md", "samples/contact-sheet.png", "metadata.csv", "summary.json"] {
            assert!(committed.lines().any(|line| line == format!("{folder}/{name}")), "{name}");
        }
    }
    assert!(committed.contains("experiments/chalk-style/samples-grid.png"));
    assert!(!committed.contains(".safetensors"), "weights are committed");
    let comparison =
        fs::read_to_string(workspace.experiment("chalk-style").path().join("comparison.md")).unwrap();
    assert!(comparison.contains("](samples-grid.png)"));
}

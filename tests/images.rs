//! An experiment on pictures from a new folder to commits: checked, previewed, trained by the real trainer, reported
//! and compared. The base is the one that ships.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::fs;
use std::path::Path;

use support::{Deck, real_trainer};

const EXPERIMENT: &str = "base_model: models/book\ntrain_data_dir: experiments/chalk/data\nrun_name: chalk\n\
    trigger_word: chalk\nresolution: 128\nbucket_reso_steps: 64\nlora_rank: 2\nlora_targets: attention\nbatch_size: 2\n\
    max_steps: 2\neval_split: 0.25\nsample_inference_steps: 2\nsample_prompts: [\"a red house\", a tree]\n\
    sample_seeds: [1, 2]\n";

/// A workspace with the shipped base and `pictures` of the shipped chalk drawings.
fn with_pictures(deck: &Deck, pictures: usize) {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments");
    let root = deck.workspace.root();
    fs::create_dir_all(root.join("models")).unwrap();
    fs::write(root.join("models/.gitignore"), "*\n").unwrap();
    std::os::unix::fs::symlink(shipped.join("picture-book/base"), root.join("models/book")).unwrap();
    let data = root.join("experiments/chalk/data");
    fs::create_dir_all(&data).unwrap();
    for number in 1..=pictures {
        for extension in ["png", "txt"] {
            let name = format!("{number:02}.{extension}");
            fs::copy(shipped.join("chalk-style/data").join(&name), data.join(&name)).unwrap();
        }
    }
    fs::write(root.join("experiments/chalk/experiment.yaml"), EXPERIMENT).unwrap();
}

fn succeeded(deck: &Deck, arguments: &[&str]) -> String {
    let output = deck.run(arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_check_tells_pictures_adapters_and_steps() {
    let deck = Deck::new();
    with_pictures(&deck, 4);
    fs::remove_file(deck.workspace.root().join("experiments/chalk/data/04.txt")).unwrap();
    let text = succeeded(&deck, &["check", "chalk", "eval_split=0", "lora_rank=2,4"]);
    for part in [
        "pictures: 4 images (128x128), ",
        "captions: 3 .txt, 1 none",
        "trained: UNet only (text_encoder_lr is 0); ",
        "  unet: rank 2, alpha 4, so strength 2 (alpha / rank), ",
        "  unet: rank 4, alpha 8, so strength 2 (alpha / rank), ",
        ", diffusers, Stable Diffusion 1.x, ",
        "4 samples an epoch (pictures × repeats), in batches of 2 for each bucket: 2 batches",
        "memory: about ",
        "04.png",
    ] {
        assert!(text.contains(part), "{part}\n\n{text}");
    }
    assert_eq!(text.matches("pictures: 4 images").count(), 1, "{text}");
    assert!(!text.contains("not supported"), "{text}");
    let json = succeeded(&deck, &["check", "chalk", "--json"]);
    let answer: serde_json::Value = serde_json::from_str(&json).unwrap();
    let check = &answer["trials"][0]["check"];
    assert_eq!((check["total_steps"].as_u64(), check["pictures"]["images"].as_u64()), (Some(2), Some(3)));
    assert_eq!(check["adapters"][0]["strength"].as_f64(), Some(2.0));
}

#[test]
fn what_a_base_or_a_folder_refuses_is_told_where_it_stands() {
    let deck = Deck::new();
    with_pictures(&deck, 2);
    let root = deck.workspace.root();
    fs::write(root.join("experiments/chalk/data/02.png"), "no picture").unwrap();
    let text = format!("{}lora_targets: to_x\n", EXPERIMENT.replace("lora_targets: attention\n", ""));
    fs::write(root.join("experiments/chalk/experiment.yaml"), text).unwrap();
    let output = deck.run(&["check", "chalk"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let problems = String::from_utf8(output.stderr).unwrap();
    assert!(
        problems.contains("experiments/chalk/experiment.yaml:14:15: lora_targets: no layer"),
        "{problems}"
    );
    assert!(problems.contains("02.png"), "{problems}");
}

#[test]
fn a_tokenizer_that_does_not_do_is_refused_and_captions_that_are_cut_are_told() {
    let deck = Deck::new();
    with_pictures(&deck, 4);
    let root = deck.workspace.root();
    fs::write(root.join("experiments/chalk/data/01.txt"), "a red house, ".repeat(500)).unwrap();
    let text = succeeded(&deck, &["check", "chalk", "eval_split=0"]);
    assert!(text.contains("note: 1 caption is longer than max_token_length (75): "), "{text}");
    assert!(text.contains("max_token_length: 225 reads more of them"), "{text}");
    assert!(text.contains("2 sample prompts without the trigger word 'chalk'"), "{text}");
    let (book, odd) = (root.join("models/book"), root.join("models/odd"));
    fs::create_dir_all(odd.join("tokenizer")).unwrap();
    for entry in fs::read_dir(&book).unwrap().flatten().filter(|entry| entry.file_name() != "tokenizer") {
        std::os::unix::fs::symlink(entry.path(), odd.join(entry.file_name())).unwrap();
    }
    let output = deck.run(&["check", "chalk", "base_model=models/odd"]);
    let problems = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{problems}");
    assert!(problems.contains("base_model: ") && problems.contains("vocab.json"), "{problems}");
}

#[test]
fn a_preview_is_a_sheet_outside_of_git() {
    let deck = Deck::new();
    with_pictures(&deck, 3);
    let text = succeeded(&deck, &["preview", "chalk", "eval_split=0"]);
    assert!(text.contains("contact sheet: "), "{text}");
    let sheet = fs::read(deck.workspace.root().join(".loradeck/previews/chalk.png")).unwrap();
    assert!(loradeck_data::image::decode(&sheet, [255; 3]).unwrap().picture.width() > 3 * 256);
    succeeded(&deck, &["preview", "chalk", "eval_split=0", "--output", "here.png"]);
    assert_eq!(fs::read(deck.workspace.root().join("here.png")).unwrap(), sheet);
}

#[test]
fn a_file_outside_of_a_workspace_is_checked_and_shown_as_the_trainer_reads_it() {
    let deck = Deck::new();
    with_pictures(&deck, 3);
    let root = deck.workspace.root();
    fs::rename(deck.workspace.experiment("chalk").file(), root.join("mine.yaml")).unwrap();
    fs::remove_file(deck.workspace.settings_file()).unwrap();
    let text = succeeded(&deck, &["check", "mine.yaml", "eval_split=0"]);
    assert!(text.contains("`loradeck-train --config mine.yaml` trains it"), "{text}");
    succeeded(&deck, &["preview", "mine.yaml", "eval_split=0"]);
    assert!(root.join("mine-preview.png").is_file());
    let refused = deck.run(&["check", "chalk"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("no workspace"), "{refused:?}");
}

#[test]
fn the_help_of_sample_is_the_trainers_and_that_of_new_lists_the_templates() {
    let mut deck = Deck::new();
    let text = succeeded(&deck, &["new", "--help"]);
    assert!(["text", "image", "sweep", "minimal"].iter().all(|name| text.contains(name)), "{text}");
    if real_trainer().is_none() {
        return;
    }
    deck.train_for_real();
    let text = succeeded(&deck, &["sample", "--help"]);
    assert!(
        text.contains("--weight") && text.contains("sample_scheduler") && text.contains("[default: "),
        "{text}"
    );
    assert_eq!(deck.run(&["sample"]).status.code(), Some(2));
}

#[test]
fn an_experiment_on_pictures_runs_to_its_commits() {
    if real_trainer().is_none() {
        return;
    }
    let mut deck = Deck::in_git();
    deck.train_for_real();
    with_pictures(&deck, 4);
    succeeded(&deck, &["run", "chalk", "lora_rank=2,4", "--wait", "--plain"]);
    let experiment = deck.workspace.experiment("chalk");
    let runs = experiment.runs();
    assert_eq!(runs.len(), 2);
    for run in &runs {
        let report = fs::read_to_string(run.report()).unwrap();
        let webui = format!("<lora:chalk-{}:0.8> chalk, a red house", &run.name()[..4]);
        for part in [
            "3 images (128x128)",
            "(samples/contact-sheet.png)",
            "## Deployment check",
            webui.as_str(),
            "1 held-out picture: too few to rank runs",
            "load_lora_weights",
        ] {
            assert!(report.contains(part), "{part}\n\n{report}");
        }
        assert!(!report.contains("It was the best of"), "{report}");
        let prefix = run.path().strip_prefix(deck.workspace.root()).unwrap().display().to_string();
        let committed = deck.git(&["ls-files", &prefix]);
        let pictures: Vec<&str> = committed.lines().filter(|line| line.contains("/samples/")).collect();
        assert_eq!(pictures.len(), 2 * 2 + 1, "{committed}");
        assert!(committed.lines().any(|line| line.ends_with("metadata.csv")), "{committed}");
        assert!(!committed.contains("safetensors") && !committed.contains("checkpoints"), "{committed}");
    }
    let comparison = fs::read_to_string(experiment.comparison()).unwrap();
    assert!(comparison.contains("(samples-grid.png)") && comparison.contains("Images/s"), "{comparison}");
    assert!(
        !comparison.contains("The best is") && comparison.contains("too few to rank runs"),
        "{comparison}"
    );
    let committed = deck.git(&["ls-files", "experiments/chalk"]);
    assert!(committed.lines().any(|line| line == "experiments/chalk/samples-grid.png"), "{committed}");
}

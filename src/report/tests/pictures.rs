//! Reports and comparisons of trainings on pictures.

use std::fs;

use loradeck_core::file::Durability;
use loradeck_core::run::{Journal, JournalEntry, RunFolder, Summary, Writer};
use loradeck_data::image::Picture;

use super::{Lab, Made};
use crate::report::{committed_files, write_comparison, write_run_report};

const CONFIG: &str = "base_model: models/v1-5-pruned.safetensors\n\
    train_data_dir: experiments/answer-card/data\ndata_type: image\nlora_rank: 8\nlora_alpha: 16\n\
    lora_targets: attention\nresolution: 512\nbatch_size: 2\nmax_steps: 24\ntrigger_word: sks\n\
    run_name: charlie\nsample_prompts: [\"a <b> house\", a tree]\n";

/// Turns a made-up run on text into one on pictures, with two prompts drawn at steps 0 and 24.
fn picture_run(lab: &Lab, name: &'static str) -> RunFolder {
    let run = lab.run(&Made { name, ..Made::default() });
    fs::write(run.config(), CONFIG).unwrap();
    let rows = (0..156).map(|row| format!("train,{row:03}.png,512,512,512x512,10,\"a house, red\",0a,\n"));
    let header = "split,file,width,height,bucket,repeats,caption,digest,flags\n";
    fs::write(
        run.metadata(),
        format!("{header}{}eval,e.png,512,512,512x512,1,,0b,enlarged\n", rows.collect::<String>()),
    )
    .unwrap();
    fs::remove_dir_all(run.samples()).unwrap();
    fs::create_dir_all(run.samples()).unwrap();
    fs::remove_file(run.checkpoints().join("adapter_model.safetensors")).unwrap();
    fs::write(run.checkpoints().join("charlie.safetensors"), "weights").unwrap();
    fs::remove_dir_all(run.journal()).unwrap();
    let mut journal = Journal::open(&run, Writer::Trainer).unwrap();
    for step in [0, 24] {
        for (number, prompt) in [(1u64, "a <b> house"), (2, "a tree")] {
            let file = format!("step-{step:08}-prompt-{number:02}-seed-7.png");
            let colour = [step as u8 * 8, 100, number as u8 * 60];
            fs::write(run.samples().join(&file), Picture::filled(96, 64, colour).to_png()).unwrap();
            let entry = JournalEntry::new("sample", 1).at(step).with("number", number).with("prompt", prompt);
            let entry =
                entry.with("picture", file).with("seed", 7).with("scheduler", "ddim").with("steps", 20);
            let entry = entry.with("negative_prompt", "").with("guidance", 7.5).with("clip_skip", 1);
            journal.append(&entry.with("width", 96).with("height", 64)).unwrap();
        }
    }
    let files = ["charlie.safetensors", "pytorch_lora_weights.safetensors"];
    journal.append(&JournalEntry::new("weights", 1).at(24).with("files", files.to_vec())).unwrap();
    let mut summary = Summary::read(&run).unwrap().unwrap();
    (summary.images, summary.tokens, summary.train_samples) = (48, 0, 156);
    summary.write(&run, Durability::Renamed).unwrap();
    run
}

#[test]
fn a_report_on_pictures_says_what_artists_ask() {
    let lab = Lab::new();
    let run = picture_run(&lab, "0001-rank-8");
    let files = write_run_report(&lab.workspace, &run).unwrap();
    let report = fs::read_to_string(run.report()).unwrap();
    for line in [
        "- **Training Data**: 156 images (512x512) from `experiments/answer-card/data`",
        "- **LoRA Rank**: 8 (alpha 16, trained at alpha / rank = 2, which the file holds: a weight of 1 in `<lora:NAME:1>` is this strength, on `attention`, 460,800 trained parameters)",
        "- **Trained**: UNet only (`text_encoder_lr` is 0)",
        "- **Speed**: 0.7830 images per second (48 images in all)",
        "![Sample pictures: a row for each prompt, a column for each step](samples/contact-sheet.png)",
        "- Trained on: 156 images",
        "- Captions: 156 images with a caption, 1 different",
        "| 512x512 | 156 | 1560 |",
        "- Trigger word: `sks`",
        "<lora:charlie:0.8> sks, a <b> house",
        "pipe = StableDiffusionPipeline.from_single_file(\"models/v1-5-pruned.safetensors\")",
        "- ComfyUI: put `charlie.safetensors` into `models/loras/`, then load it with *Load LoRA*",
    ] {
        assert!(report.lines().any(|known| known == line), "{line}\n\n{report}");
    }
    let row = report.lines().find(|line| line.starts_with("| 1 | a ")).unwrap();
    assert!(row.contains("| 7 | ddim | 20 | 7.5 | 1 | 96x64 |"), "{row}");
    assert!(row.contains("[before](samples/step-00000000-prompt-01-seed-7.png)"), "{row}");
    assert!(row.contains("[step 24](samples/step-00000024-prompt-01-seed-7.png)"), "{row}");
    assert!(!row.contains("<b>"), "{row}");
    assert!(
        !report.contains("perplexity") && !report.contains("- Tokens") && !report.contains("\n\n\n"),
        "{report}"
    );
    let names: Vec<String> = files
        .iter()
        .filter_map(|file| Some(file.strip_prefix(run.samples()).ok()?.display().to_string()))
        .collect();
    assert_eq!(names.len(), 5, "{names:?}");
    assert_eq!(names[0], "contact-sheet.png");
    assert!(files.iter().all(|file| !file.starts_with(run.checkpoints())));
}

#[test]
fn a_picture_too_large_for_git_is_named_and_the_sheet_stays() {
    let lab = Lab::new();
    let run = picture_run(&lab, "0001-rank-8");
    let large = run.samples().join("step-00000024-prompt-01-seed-7.png");
    let noise = crate::report::sheet::noise(800 * 800 * 3);
    fs::write(&large, Picture::new(800, 800, noise).unwrap().to_png()).unwrap();
    write_run_report(&lab.workspace, &run).unwrap();
    assert!(!committed_files(&run).contains(&large));
    let report = fs::read_to_string(run.report()).unwrap();
    assert!(
        report.contains("- Too large for git: `samples/step-00000024-prompt-01-seed-7.png` ("),
        "{report}"
    );
    let sheet = fs::read(run.samples().join("contact-sheet.png")).unwrap();
    fs::remove_file(&large).unwrap();
    write_run_report(&lab.workspace, &run).unwrap();
    assert_eq!(fs::read(run.samples().join("contact-sheet.png")).unwrap(), sheet);
}

#[test]
fn a_comparison_on_pictures_has_a_grid_and_their_speed() {
    let lab = Lab::new();
    for name in ["0001-rank-8", "0002-rank-16"] {
        write_run_report(&lab.workspace, &picture_run(&lab, name)).unwrap();
    }
    let files = write_comparison(&lab.workspace, &lab.experiment).unwrap();
    let grid = lab.experiment.path().join("samples-grid.png");
    assert!(files.contains(&grid), "{files:?}");
    let text = fs::read_to_string(lab.experiment.comparison()).unwrap();
    assert!(text.contains("(samples-grid.png)") && text.contains("| Images/s |"), "{text}");
    let csv = fs::read_to_string(lab.experiment.path().join("comparison.csv")).unwrap();
    assert!(csv.lines().next().unwrap().ends_with("seconds,images"), "{csv}");
    let picture = loradeck_data::image::decode(&fs::read(&grid).unwrap(), [255; 3]).unwrap().picture;
    // Two runs and two prompts: each of the last pictures' colours is there twice.
    for number in [1u8, 2] {
        let colour = [24 * 8, 100, number * 60];
        let there = picture.rgb().chunks(3).filter(|rgb| **rgb == colour).count();
        assert!(there >= 2 * 64 * 42, "{number}: {there}");
    }
}

#[test]
fn a_comparison_on_text_has_neither() {
    let lab = Lab::new();
    write_run_report(&lab.workspace, &lab.run(&Made::default())).unwrap();
    let files = write_comparison(&lab.workspace, &lab.experiment).unwrap();
    assert!(files.iter().all(|file| !file.ends_with("samples-grid.png")));
    let text = fs::read_to_string(lab.experiment.comparison()).unwrap();
    assert!(!text.contains("samples-grid") && !text.contains("Images/s"), "{text}");
}

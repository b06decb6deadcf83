//! The program on pictures and the shipped base: what a training leaves, that it goes on exactly, what it refuses, and
//! sampling from what it wrote.
#![allow(clippy::unwrap_used, missing_docs)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use loradeck_core::run::{Outcome, RunFolder, Summary, read_journal};
use loradeck_data::image::{Picture, decode};
use loradeck_data::random::{Purpose, Stream};
use loradeck_data::safetensors::SafetensorsFile;

const PROGRAM: &str = env!("CARGO_BIN_EXE_loradeck-train");

/// A folder with the shipped base and pictures of three sizes.
struct Studio(tempfile::TempDir);

impl Studio {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments/picture-book/base");
        std::os::unix::fs::symlink(fs::canonicalize(base).unwrap(), folder.path().join("base")).unwrap();
        let pictures = folder.path().join("pictures/2_house");
        fs::create_dir_all(&pictures).unwrap();
        let mut stream = Stream::new(1, Purpose::Test, 0);
        for number in 0..7 {
            let (width, height) = [(128, 128), (200, 100), (90, 160)][number % 3];
            let mut colour = || [0; 3].map(|_: u8| stream.below(256) as u8);
            let mut picture = Picture::filled(width, height, colour());
            let spot = Picture::filled(width / 3, height / 2, colour());
            picture.paste(&spot, 10 + number as u32 * 5, 20);
            fs::write(pictures.join(format!("{number}.png")), picture.to_png()).unwrap();
            let caption = format!("a red house, number {number}, tall, old, a tree");
            fs::write(pictures.join(format!("{number}.txt")), caption).unwrap();
        }
        Self(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn config(&self, output: &str, extra: &str) -> PathBuf {
        let rate = if extra.contains("learning_rate") { "" } else { "learning_rate: 1e-3\n" };
        let text = format!(
            "base_model: base\ntrain_data_dir: pictures\noutput_dir: {output}\nresolution: 128\nlora_rank: 4\n\
             bucket_reso_steps: 32\nbatch_size: 2\nthreads: 1\nseed: 5\n{rate}{extra}"
        );
        let path = self.path().join(format!("{output}.yaml"));
        fs::write(&path, text).unwrap();
        path
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(arguments).current_dir(self.path());
        command.env("LORADECK_DEVICE", "cpu").env("LORADECK", "/nowhere").env("OMP_WAIT_POLICY", "passive");
        command.env("XDG_CACHE_HOME", self.path().join("cache"));
        command.env_remove("LORADECK_CRASH_AT").env_remove("LORADECK_TRAIN_LOCK_INHERITED");
        command
    }

    fn train(&self, output: &str, extra: &str) -> (RunFolder, Output) {
        let config = self.config(output, extra);
        let made = self.run(&["--config", config.to_str().unwrap()]);
        (RunFolder::new(self.path().join(output)), made)
    }

    fn trained(&self, output: &str, extra: &str) -> RunFolder {
        let (run, made) = self.train(output, extra);
        assert_eq!(made.status.code(), Some(0), "{}", told(&made));
        run
    }
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn summary(run: &RunFolder) -> Summary {
    Summary::read(run).unwrap().unwrap()
}

fn sha256(run: &RunFolder) -> String {
    summary(run).weights_sha256.unwrap()
}

/// Everything at once that draws something or keeps something.
const EVERYTHING: &str = "max_steps: 9\nsave_steps: 3\nlora_targets: kohya\nconv_rank: 2\ntext_encoder_lr: 1e-4\n\
    gradient_accumulation: 2\nflip_aug: true\nrandom_crop: true\nshuffle_caption: true\nkeep_tokens: 1\n\
    caption_dropout_rate: 0.2\ncaption_tag_dropout_rate: 0.1\nlora_dropout: 0.1\nrank_dropout: 0.1\n\
    module_dropout: 0.1\nnoise_offset: 0.05\nmultires_noise_iterations: 4\nip_noise_gamma: 0.1\nmin_snr_gamma: 5\n\
    ema_decay: 0.9\nscale_weight_norms: 1.0\nstrength_warmup: {epochs: 1, weight: 0.5}\nloss_type: huber\n";

#[test]
fn a_training_leaves_what_the_idea_names() {
    let studio = Studio::new();
    let extra = "max_steps: 4\nsave_steps: 2\neval_split: 0.3\nsample_prompts: [a red house]\nsample_seeds: [7]\n\
        sample_inference_steps: 2\nsample_steps: 2\ntrigger_word: chalk\nrun_name: charlie_avatar\nversion: v2\n";
    let run = studio.trained("out", extra);
    let summary = summary(&run);
    assert_eq!((summary.outcome, summary.step, summary.tokens), (Outcome::Finished, 4, 0));
    assert!(summary.images >= 4 && summary.train_samples == 5 && summary.eval_samples == 2, "{summary:?}");
    assert!(
        summary.metrics.contains_key("train/images_per_second") && summary.metrics.contains_key("eval/loss")
    );
    assert!(!summary.metrics.contains_key("eval/perplexity"));
    // Before, in the middle, after; each with everything that made it.
    let journal = read_journal(&run);
    let samples: Vec<_> = journal.entries.iter().filter(|entry| entry.kind == "sample").collect();
    assert_eq!(samples.iter().map(|entry| entry.step.unwrap()).collect::<Vec<_>>(), [0, 2, 4]);
    let name = samples[2].text("picture").unwrap();
    assert_eq!(name, "step-00000004-prompt-01-seed-7.png");
    let png = fs::read(run.samples().join(name)).unwrap();
    let facts = String::from_utf8_lossy(&png);
    assert!(facts.contains("Seed: 7, Size: 128x128, Clip skip: 1"), "no facts in the picture");
    assert_eq!(decode(&png, [0; 3]).unwrap().picture.width(), 128);
    let metadata = fs::read_to_string(run.metadata()).unwrap();
    assert!(metadata.lines().count() == 8 && metadata.contains("\"chalk, a red house, number"), "{metadata}");
    // Both files, and what stands in their headers.
    let single = SafetensorsFile::open(&run.checkpoints().join("charlie_avatar_v2.safetensors")).unwrap();
    let header = single.metadata();
    assert_eq!((header["ss_network_dim"].as_str(), header["ss_network_alpha"].as_str()), ("4", "8.0"));
    assert_eq!(header["modelspec.trigger_phrase"], "chalk");
    assert!(header["ss_tag_frequency"].contains("\"chalk\":5"), "{}", header["ss_tag_frequency"]);
    assert!(header["loradeck.config"].contains("data_type: image"));
    let diffusers =
        SafetensorsFile::open(&run.checkpoints().join("pytorch_lora_weights.safetensors")).unwrap();
    assert!(diffusers.metadata()["lora_adapter_metadata"].contains("\"unet.lora_alpha\": 4"));
    let data = &diffusers.file().bytes()[diffusers.header_bytes().len()..];
    assert_eq!(loradeck_data::mapped::sha256_hex([data]), sha256(&run));
    assert_eq!(single.entries().len(), diffusers.entries().len() / 2 * 3);
}

#[test]
fn killed_at_any_step_it_ends_with_the_same_weights() {
    let studio = Studio::new();
    let straight = sha256(&studio.trained("straight", EVERYTHING));
    let again = studio.config("again", EVERYTHING);
    let config = again.to_str().unwrap();
    let killed = studio
        .command(&["--config", config])
        .env("LORADECK_CRASH_AT", "checkpoint.after-rename")
        .output()
        .unwrap();
    assert!(
        killed.status.code().is_none(),
        "the crash point needs the feature crash-points: {}",
        told(&killed)
    );
    // It may go on with less memory: activations computed again have the same bits.
    studio.config("again", &format!("{EVERYTHING}gradient_checkpointing: true\n"));
    let resumed = studio.run(&["--config", config, "--resume"]);
    assert_eq!(resumed.status.code(), Some(0), "{}", told(&resumed));
    assert!(told(&resumed).contains("resumed from the checkpoint of step 3"), "{}", told(&resumed));
    assert_eq!(sha256(&RunFolder::new(studio.path().join("again"))), straight);
}

/// The losses told in the log, step by step.
fn losses(output: &Output) -> Vec<f64> {
    let told = told(output);
    let lines = told.lines().filter(|line| line.contains(" loss ") && line.contains("eta"));
    lines
        .map(|line| line.split(" loss ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap())
        .collect()
}

#[test]
fn fp16_is_near_fp32() {
    let studio = Studio::new();
    let extra = "max_steps: 5\nlora_targets: kohya\nconv_rank: 2\ntext_encoder_lr: 1e-4\n";
    let (_, exact) = studio.train("exact", extra);
    let (run, half) =
        studio.train("half", &format!("{extra}precision: fp16\ngradient_checkpointing: true\n"));
    assert_eq!(half.status.code(), Some(0), "{}", told(&half));
    let (exact, half) = (losses(&exact), losses(&half));
    assert_eq!((exact.len(), half.len()), (5, 5));
    for (exact, half) in exact.iter().zip(&half) {
        assert!((exact - half).abs() <= 0.01 * exact, "{exact} {half}");
    }
    assert_eq!((summary(&run).environment.precision.as_str(), summary(&run).skipped_steps), ("fp16", 0));
}

/// The alpha is so large that gradients overflow at the first scales.
const OVERFLOWS: &str =
    "max_steps: 9\nsave_steps: 3\nprecision: fp16\nlora_alpha: 2000\nlearning_rate: 1e-9\n";

#[test]
fn steps_whose_gradients_overflow_in_fp16_are_left_out_and_a_resumed_run_knows_the_scale() {
    let studio = Studio::new();
    let straight = studio.trained("straight", OVERFLOWS);
    let journal = read_journal(&straight);
    let skipped: Vec<_> = journal.entries.iter().filter(|entry| entry.kind == "skipped-step").collect();
    let count = skipped.len() as u64;
    assert!((1..9).contains(&count), "{count}");
    assert_eq!((skipped[0].step, summary(&straight).skipped_steps), (Some(1), count));
    let config = studio.config("again", OVERFLOWS);
    let arguments = ["--config", config.to_str().unwrap()];
    let killed =
        studio.command(&arguments).env("LORADECK_CRASH_AT", "checkpoint.after-rename").output().unwrap();
    assert_eq!(killed.status.code(), None, "{}", told(&killed));
    let again = RunFolder::new(studio.path().join("again"));
    let manifest = fs::read_to_string(again.checkpoint(3).join("manifest.json")).unwrap();
    let state: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    let early = skipped.iter().filter(|entry| entry.step <= Some(3)).count();
    assert_eq!(state["loss_scale"]["skipped_steps"], early);
    assert_eq!(state["loss_scale"]["scale"], 65_536.0 / f64::from(1 << early));
    let resumed = studio.run(&["--config", config.to_str().unwrap(), "--resume"]);
    assert_eq!(resumed.status.code(), Some(0), "{}", told(&resumed));
    assert_eq!((sha256(&again), summary(&again).skipped_steps), (sha256(&straight), count));
}

/// What the log says of where latents came from.
fn latents_told(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", told(output));
    let told = told(output);
    told.lines().find_map(|line| line.split("latents: ").nth(1)).unwrap_or("nothing").to_owned()
}

#[test]
fn latents_on_the_disk_serve_later_trainings_and_are_never_stale() {
    let studio = Studio::new();
    let mut count = 0;
    let mut train = |extra: &str| {
        count += 1;
        let (run, output) = studio.train(&format!("out{count}"), &format!("max_steps: 2\n{extra}"));
        (latents_told(&output), sha256(&run))
    };
    let keep = "cache_latents_to_disk: true\n";
    let without = train("");
    let (cold, warm) = (train(keep), train(keep));
    assert_eq!(without.0, "nothing");
    assert_eq!(cold.0, "0 from the cache, 7 computed");
    assert_eq!(warm.0, "7 from the cache, 0 computed");
    assert_eq!((&cold.1, &warm.1), (&without.1, &without.1));
    // Whatever the numbers depend on makes them others; what they do not depend on does not.
    assert_eq!(
        train(&format!("{keep}lora_alpha: 2\nlearning_rate: 1e-2\n")).0,
        "7 from the cache, 0 computed"
    );
    assert_eq!(train(&format!("{keep}flip_aug: true\n")).0, "7 from the cache, 7 computed");
    assert_eq!(train(&format!("{keep}min_bucket_reso: 128\n")).0, "3 from the cache, 4 computed");
    assert_eq!(train(&format!("{keep}background: black\n")).0, "0 from the cache, 7 computed");
    // Another picture under the name of an old one.
    let path = studio.path().join("pictures/2_house/0.png");
    fs::write(&path, Picture::filled(128, 128, [9, 9, 9]).to_png()).unwrap();
    assert_eq!(train(keep).0, "6 from the cache, 1 computed");
    // Damage, and a folder where nothing can be written.
    let files = loradeck_core::cache::files(&studio.path().join("cache"));
    for file in &files {
        fs::write(&file.path, &fs::read(&file.path).unwrap()[..100]).unwrap();
    }
    let repaired = train(keep);
    assert_eq!(repaired.0, "0 from the cache, 7 computed");
    assert_eq!(train(keep), ("7 from the cache, 0 computed".to_owned(), repaired.1));
}

#[test]
fn another_autoencoder_has_other_latents() {
    let studio = Studio::new();
    let extra = "max_steps: 1\ncache_latents_to_disk: true\n";
    let (_, first) = studio.train("first", extra);
    assert_eq!(latents_told(&first), "0 from the cache, 7 computed");
    let base = fs::canonicalize(studio.path().join("base")).unwrap();
    fs::remove_file(studio.path().join("base")).unwrap();
    copy(&base, &studio.path().join("base"));
    let weights = studio.path().join("base/vae/diffusion_pytorch_model.safetensors");
    let (_, same) = studio.train("same", extra);
    assert_eq!(latents_told(&same), "7 from the cache, 0 computed");
    let (start, decoder) = {
        let file = SafetensorsFile::open(&weights).unwrap();
        let at = |name: &str| {
            let bytes = file.bytes(&file.entries()[name]);
            bytes.as_ptr() as usize - file.file().bytes().as_ptr() as usize
        };
        (at("encoder.conv_in.weight"), at("decoder.conv_in.weight"))
    };
    for (name, at, expected) in [
        ("decoder", decoder, "7 from the cache, 0 computed"),
        ("encoder", start, "0 from the cache, 7 computed"),
    ] {
        let mut bytes = fs::read(&weights).unwrap();
        bytes[at] ^= 1;
        fs::write(&weights, bytes).unwrap();
        let (_, output) = studio.train(name, extra);
        assert_eq!(latents_told(&output), expected, "{name}");
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            copy(&source, &target);
        } else {
            fs::copy(source, target).unwrap();
        }
    }
}

#[test]
fn another_seed_or_picture_is_another_training() {
    let studio = Studio::new();
    let one = studio.trained("one", "max_steps: 2\n");
    let other = studio.trained("other", "max_steps: 2\nflip_aug: true\n");
    assert_ne!(sha256(&one), sha256(&other));
    // A checkpoint is bound to its pictures.
    let name = "pictures/2_house/0.txt";
    fs::write(studio.path().join(name), "something else").unwrap();
    let config = studio.path().join("one.yaml");
    let text = fs::read_to_string(&config).unwrap().replace("max_steps: 2", "max_steps: 3");
    fs::write(&config, &text).unwrap();
    let resumed = studio.run(&["--config", config.to_str().unwrap(), "--resume"]);
    assert_eq!(resumed.status.code(), Some(2), "{}", told(&resumed));
    assert!(told(&resumed).contains("its train_data is"), "{}", told(&resumed));
    assert!(told(&resumed).contains("something else"), "the sample is not named: {}", told(&resumed));
    // A key that differs is named with both values, and what only draws may differ.
    fs::write(studio.path().join(name), "a red house, number 0, tall, old, a tree").unwrap();
    let resume = |extra: &str| {
        fs::write(&config, format!("{text}{extra}")).unwrap();
        studio.run(&["--config", config.to_str().unwrap(), "--resume"])
    };
    let resumed = resume("noise_offset: 0.1\n");
    assert!(
        told(&resumed).contains("its noise_offset is 0.0, but this training's is 0.1"),
        "{}",
        told(&resumed)
    );
    let resumed = resume("sample_scheduler: euler\n");
    assert_eq!(resumed.status.code(), Some(0), "{}", told(&resumed));
}

#[test]
fn every_problem_is_told_before_anything_is_made() {
    let studio = Studio::new();
    fs::write(studio.path().join("pictures/2_house/broken.png"), b"\x89PNG no").unwrap();
    let (run, output) = studio.train("out", "clip_skip: 9\nlora_targets: [to_q, to_nothing]\n");
    assert_eq!(output.status.code(), Some(2));
    let told = told(&output);
    for words in ["broken.png", "clip_skip: '9' is more than the 3 layers", "to_nothing"] {
        assert!(told.contains(words), "{words}: {told}");
    }
    assert!(!run.path().exists());
    let (_, output) = studio.train("odd", "resolution: 100\nbucket_reso_steps: 8\n");
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

#[test]
fn exported_weights_draw_what_the_training_drew() {
    let studio = Studio::new();
    let extra = "max_steps: 3\nlearning_rate: 5e-2\nlora_alpha: 2\nsample_prompts: [a red house]\nsample_seeds: [3]\n\
        sample_inference_steps: 3\n";
    let run = studio.trained("out", extra);
    let arguments =
        ["sample", "out", "--prompt", "a red house", "--seed", "3", "--weight", "0,1", "--pictures", "each"];
    let output = studio.run(&arguments);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let pixels = |path: PathBuf| decode(&fs::read(path).unwrap(), [0; 3]).unwrap().picture.rgb().to_vec();
    let trained = |step: u64| pixels(run.samples().join(format!("step-{step:08}-prompt-01-seed-3.png")));
    let each = |name: &str| pixels(studio.path().join("each").join(name));
    let off = |left: &[u8], right: &[u8]| {
        left.iter().zip(right).map(|(left, right)| left.abs_diff(*right)).max().unwrap()
    };
    let (without, with) = (each("001-seed-3-weight-0.png"), each("002-seed-3-weight-1.png"));
    // The scale is folded into B in the file: a last bit may differ.
    assert!(off(&trained(3), &with) <= 2 && off(&trained(0), &without) <= 2);
    assert!(off(&trained(0), &with) > 20, "the adapter changes nothing");
    assert!(decode(&fs::read(studio.path().join("grid.png")).unwrap(), [0; 3]).is_ok());
}

/// The shipped base with one weight's sign turned: the same headers and sizes.
fn other_base(studio: &Studio) {
    let (from, to) = (studio.path().join("base"), studio.path().join("turned"));
    for folder in fs::read_dir(&from).unwrap().flatten().filter(|entry| entry.path().is_dir()) {
        let copy = to.join(folder.file_name());
        fs::create_dir_all(&copy).unwrap();
        for file in fs::read_dir(folder.path()).unwrap().flatten() {
            fs::copy(file.path(), copy.join(file.file_name())).unwrap();
        }
    }
    fs::copy(from.join("model_index.json"), to.join("model_index.json")).unwrap();
    let weights = to.join("unet/diffusion_pytorch_model.safetensors");
    let mut bytes = fs::read(&weights).unwrap();
    *bytes.last_mut().unwrap() ^= 0x80;
    fs::write(weights, bytes).unwrap();
}

#[test]
fn a_grid_keeps_equal_names_apart_and_refuses_other_weights_and_useless_options() {
    let studio = Studio::new();
    for output in ["a/runs/0001", "b/runs/0001", "c/runs/0001"] {
        let config = studio.config("next", "max_steps: 1\n");
        let base = if output.starts_with('c') { "turned" } else { "base" };
        let text = fs::read_to_string(&config).unwrap();
        let text = text.replace("output_dir: next", &format!("output_dir: {output}"));
        fs::write(&config, text.replace("base_model: base", &format!("base_model: {base}"))).unwrap();
        if base == "turned" {
            other_base(&studio);
        }
        let made = studio.run(&["--config", "next.yaml"]);
        assert_eq!(made.status.code(), Some(0), "{}", told(&made));
    }
    let draw = |arguments: &[&str]| {
        let common = ["--prompt", "a tree", "--seed", "1", "--steps", "1", "--json"];
        studio.run(&[&["sample"], arguments, &common].concat())
    };
    let both = draw(&["a/runs/0001", "b/runs/0001", "-o", "both.png"]);
    assert_eq!(both.status.code(), Some(0), "{}", told(&both));
    let answer: serde_json::Value = serde_json::from_slice(&both.stdout).unwrap();
    let names: Vec<&str> =
        answer["pictures"].as_array().unwrap().iter().map(|made| made["run"].as_str().unwrap()).collect();
    assert_eq!(names, ["a/0001", "b/0001"]);
    let width =
        |name: &str| decode(&fs::read(studio.path().join(name)).unwrap(), [0; 3]).unwrap().picture.width();
    let one = draw(&["a/runs/0001", "--base-only", "-o", "one.png"]);
    assert_eq!(one.status.code(), Some(0), "{}", told(&one));
    assert!(width("both.png") > width("one.png") + 64, "one column of two is missing");
    let refused = draw(&["a/runs/0001", "c/runs/0001"]);
    assert_eq!(refused.status.code(), Some(2), "{}", told(&refused));
    assert!(told(&refused).contains("have different base models"), "{}", told(&refused));
    for option in ["--weight=nan", "--guidance=-3", "--output=no/such/x.png"] {
        let refused = draw(&["a/runs/0001", option]);
        assert_eq!(refused.status.code(), Some(2), "{option}: {}", told(&refused));
    }
    assert!(!studio.path().join("grid.png").exists());
}

//! `loradeck preview TARGET`: the training pictures as training sees them, as a contact sheet and in the terminal; or
//! samples of text, token by token.

mod text;

use std::path::PathBuf;

use anyhow::Result;
use loradeck_core::config::{ImageSettings, Settings};
use loradeck_core::file::{self, Durability};
use loradeck_core::run::Workspace;
use loradeck_core::text::slug;
use loradeck_data::image::{
    ImageData, ImageRequest, ImageSample, View, contact_sheet, half_blocks, load_crop,
};

use super::out::UsageError;
use super::{OK, out, trials, workspace_or_here};
use crate::launch::prepare;

/// Pictures that a sheet has at most.
const MOST: usize = 120;
/// Pictures beside each other.
const COLUMNS: usize = 6;
/// Pixels of a cell.
const CELL: u32 = 256;
/// Cells of the terminal that one picture takes at most.
const TERMINAL: (u16, u16) = (64, 24);

/// What is to be shown.
#[derive(Debug)]
pub(super) struct Wanted {
    /// Pictures in the terminal.
    pub(super) images: usize,
    /// Where the contact sheet goes.
    pub(super) output: Option<PathBuf>,
    /// Numbers of text samples, from 1; the first one where there are none.
    pub(super) samples: Vec<usize>,
    /// Whether held-out text samples are meant.
    pub(super) held_out: bool,
    /// Text samples as JSON.
    pub(super) json: bool,
}

pub(super) fn preview(target: &str, overrides: &[String], wanted: Wanted) -> Result<u8> {
    let (workspace, is_one) = workspace_or_here(target)?;
    let prepared = prepare(&workspace, target, overrides)?;
    trials::tell_warnings(&prepared);
    let Some(trial) = prepared.plan.checked_trials().first() else {
        return Err(UsageError(format!("'{target}' has no trial to show")).into());
    };
    let settings = &trial.settings;
    if settings.is_foreign() {
        let message = format!("'{target}' starts a trainer of its own, which reads its data itself");
        return Err(UsageError(message).into());
    }
    let Some(image) = settings.image() else { return text::preview(&workspace, settings, &wanted) };
    if wanted.json || wanted.held_out || !wanted.samples.is_empty() {
        let message = format!("'{target}' trains on pictures; --sample, --held-out and --json show texts");
        return Err(UsageError(message).into());
    }
    let Wanted { images, output, .. } = wanted;
    let data = load(&workspace, settings, image)?;
    let samples: Vec<&ImageSample> = data.train.samples.iter().filter(|sample| sample.repeats > 0).collect();
    let shown = &samples[..samples.len().min(MOST)];
    let sheet = contact_sheet(shown, data.background, COLUMNS, CELL)?;
    let path =
        output.unwrap_or_else(|| default_path(&workspace, is_one, &prepared.target.experiment().name()));
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        file::create_folder(folder)?;
    }
    file::replace(&path, &sheet.to_png(), Durability::Renamed)?;
    out::line(&format!("{}, as training sees them (crops in the centre)", data.train.summary()));
    if has_colours() {
        in_terminal(&shown[..shown.len().min(images)], &data)?;
    }
    let left_out = samples.len() - shown.len();
    let more = if left_out > 0 {
        format!(" (the first {MOST}; {left_out} more are not shown)")
    } else {
        String::new()
    };
    out::line(&format!("contact sheet: {}{more}", path.display()));
    Ok(OK)
}

/// The pictures alone: the base model need not be there.
fn load(workspace: &Workspace, settings: &Settings, image: &ImageSettings) -> Result<ImageData> {
    let request = ImageRequest {
        root: workspace.root(),
        train_data_dir: &settings.train_data_dir,
        eval_data_dir: settings.eval_data_dir.as_deref(),
        eval_split: settings.eval_split,
        split_seed: settings.split_seed,
        settings: image,
    };
    Ok(ImageData::load(&request, &|_| {})?)
}

fn in_terminal(samples: &[&ImageSample], data: &ImageData) -> Result<()> {
    let (columns, rows) = TERMINAL;
    for sample in samples {
        let crop = load_crop(sample, View::centre(&sample.fit()), data.background)?;
        out::cells(&half_blocks(&crop, columns, rows));
        out::line(&format!("{} {}: {}", sample.bucket, sample.relative, sample.caption));
    }
    Ok(())
}

/// Below `.loradeck`, which git does not take: a preview is nothing to keep. Outside of a workspace the current folder.
fn default_path(workspace: &Workspace, is_one: bool, name: &str) -> PathBuf {
    if !is_one {
        return PathBuf::from(format!("{}-preview.png", slug(name, 60)));
    }
    workspace.root().join(".loradeck/previews").join(format!("{}.png", slug(name, 60)))
}

/// Whether standard output is a terminal that is said to have 24-bit colours, or at least not to have none.
fn has_colours() -> bool {
    let said = |name: &str| std::env::var(name).unwrap_or_default();
    out::is_terminal() && said("NO_COLOR").is_empty() && !["dumb", ""].contains(&said("TERM").as_str())
}

//! What can be told of a training's pictures before any GPU time: layout, captions, buckets, the arithmetic of steps,
//! and everything that is allowed but often a mistake.

use std::collections::BTreeMap;

use loradeck_core::config::ImageSettings;
use serde::{Deserialize, Serialize};

use super::dataset::{ImageData, ImageDataset};
use super::draw::tags;
use super::find::some_of;
use super::flag::Flag;
use super::plan::{ImagePlan, PlanRequest};
use super::sample::{ImageSample, MaskSource};
use super::table::columns;
use super::words::counted;
use crate::order::PlanLength;

/// One bucket of the training pictures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BucketRow {
    /// Its size, such as `512x512`.
    pub bucket: String,
    /// Pictures in it, regularisation pictures included.
    pub pictures: usize,
    /// Looks at them in an epoch: the sum of their repeats.
    pub looks: u64,
    /// Micro-batches of an epoch.
    pub batches: u64,
    /// Pictures that are enlarged to it.
    pub enlarged: usize,
    /// Mean share of a picture that the crop leaves out, 0 to 1.
    pub cropped_mean: f64,
    /// The largest such share.
    pub cropped_max: f64,
}

/// What a check tells of pictures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImageCheck {
    /// "156 images (512x512)".
    pub summary: String,
    /// How the folder is laid out.
    pub layout: String,
    /// Training pictures.
    pub images: usize,
    /// Regularisation pictures in use.
    pub regularisation_images: usize,
    /// Held-out pictures.
    pub held_out_images: usize,
    /// Bytes of the folder's pictures.
    pub size: u64,
    /// The data set's fingerprint.
    pub fingerprint: String,
    /// Training pictures by where their caption comes from: `.txt`, `.caption`, `metadata`, `folder name`, `none`.
    pub captions: BTreeMap<String, usize>,
    /// The buckets in use.
    pub buckets: Vec<BucketRow>,
    /// Pictures per micro-batch.
    pub batch_size: usize,
    /// Micro-batches per step.
    pub gradient_accumulation: usize,
    /// Micro-batches of an epoch.
    pub batches_per_epoch: u64,
    /// Optimizer steps of an epoch.
    pub steps_per_epoch: u64,
    /// Optimizer steps in all.
    pub total_steps: u64,
    /// Passes over the pictures.
    pub epochs: f64,
    /// Pictures left out, each with the reason.
    pub skipped: Vec<String>,
    /// What is allowed but worth knowing, one sentence each.
    pub notes: Vec<String>,
    /// For each folder, how often each comma-separated part stands in its captions: kohya's `ss_tag_frequency`.
    pub tag_frequency: BTreeMap<String, BTreeMap<String, u64>>,
}

impl ImageDataset {
    /// The order of a training on these pictures.
    pub fn plan(&self, request: PlanRequest) -> ImagePlan {
        ImagePlan::new(self.samples.iter().map(ImageSample::plan_sample), request)
    }

    /// For each folder of training pictures, how often each part stands in its captions (once a picture, repeats do not
    /// count): the value of kohya's `ss_tag_frequency`.
    pub fn tag_frequency(&self) -> BTreeMap<String, BTreeMap<String, u64>> {
        let mut folders: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
        for sample in self.pictures() {
            let folder = folders.entry(sample.folder.clone()).or_default();
            tags(&sample.caption).for_each(|tag| *folder.entry(tag.to_owned()).or_default() += 1);
        }
        folders
    }

    /// The buckets in use, as `plan` sees them.
    pub fn bucket_rows(&self, plan: &ImagePlan) -> Vec<BucketRow> {
        let row = |(bucket, looks, batches)| {
            let members: Vec<&ImageSample> =
                self.samples.iter().filter(|s| s.bucket == bucket && s.repeats > 0).collect();
            let shares: Vec<f64> = members.iter().map(|sample| sample.fit().cropped_away()).collect();
            BucketRow {
                bucket: bucket.to_string(),
                pictures: members.len(),
                looks,
                batches,
                enlarged: members.iter().filter(|sample| sample.flags.contains(&Flag::Enlarged)).count(),
                cropped_mean: shares.iter().sum::<f64>() / (shares.len().max(1) as f64),
                cropped_max: shares.iter().copied().fold(0.0, f64::max),
            }
        };
        plan.per_bucket().into_iter().map(row).collect()
    }
}

impl ImageData {
    /// What is worth telling about a training on these pictures.
    pub fn check(&self, settings: &ImageSettings, request: PlanRequest) -> ImageCheck {
        let plan = self.train.plan(request);
        let mut captions = BTreeMap::new();
        for sample in self.train.pictures() {
            *captions.entry(sample.caption_source.name().to_owned()).or_default() += 1;
        }
        ImageCheck {
            summary: self.train.summary(),
            layout: self.train.layout.describe().to_owned(),
            images: self.train.pictures().count(),
            regularisation_images: self.train.regularisation().filter(|sample| sample.repeats > 0).count(),
            held_out_images: self.held_out.as_ref().map_or(0, |part| part.samples.len()),
            size: self.train.size,
            fingerprint: self.train.fingerprint.clone(),
            captions,
            buckets: self.train.bucket_rows(&plan),
            batch_size: request.batch_size,
            gradient_accumulation: request.gradient_accumulation,
            batches_per_epoch: plan.batches_per_epoch(),
            steps_per_epoch: plan.steps_per_epoch(),
            total_steps: plan.total_steps(),
            epochs: match request.length {
                PlanLength::Epochs(epochs) => epochs,
                PlanLength::Steps(steps) => plan.epochs_after(steps),
            },
            skipped: self.skipped.iter().map(ToString::to_string).collect(),
            notes: self.notes(settings),
            tag_frequency: self.train.tag_frequency(),
        }
    }

    /// What is allowed but worth knowing, one sentence each.
    pub fn notes(&self, settings: &ImageSettings) -> Vec<String> {
        let held_out = self.held_out.iter().flat_map(|part| &part.samples);
        let all: Vec<&ImageSample> = self.train.samples.iter().chain(held_out).collect();
        let mut notes = self.notes.clone();
        for flag in Flag::all() {
            let names: Vec<String> =
                all.iter().filter(|s| s.flags.contains(&flag)).map(|s| s.relative.clone()).collect();
            if !names.is_empty() {
                notes.push(format!(
                    "{} {}: {}",
                    counted(names.len(), "picture"),
                    flag.sentence(),
                    some_of(&names)
                ));
            }
        }
        notes.extend(super::duplicates::notes(&self.train, self.held_out.as_ref()));
        notes.extend(mask_notes(&all, settings.masked_loss));
        if settings.random_crop && all.iter().all(|sample| sample.fit().slack() == (0, 0)) {
            notes.push("random_crop changes nothing: every picture has its bucket's shape".into());
        }
        notes.extend(square_note(settings));
        notes.extend(few_held_out(self.held_out.as_ref()));
        notes
    }
}

impl ImageData {
    /// What a report should tell too: what makes its figures mean less than they seem to.
    pub fn remarks(&self, settings: &ImageSettings) -> Vec<String> {
        square_note(settings).into_iter().chain(few_held_out(self.held_out.as_ref())).collect()
    }
}

/// Pictures held out below which the held-out loss says nothing about which run is better.
pub const FEWEST_TO_RANK: usize = 4;

fn few_held_out(held_out: Option<&ImageDataset>) -> Option<String> {
    let count = held_out.map(|part| part.samples.len()).filter(|count| *count < FEWEST_TO_RANK)?;
    Some(format!("{}: too few to rank runs by their loss", counted(count, "held-out picture")))
}

/// Where the largest square bucket is smaller than `resolution`, pictures are sampled at another size than trained.
fn square_note(settings: &ImageSettings) -> Option<String> {
    let (resolution, steps) = (settings.resolution, settings.bucket_reso_steps.max(1));
    let square = resolution / steps * steps;
    if square == resolution || square == 0 {
        return None;
    }
    let above = square + steps;
    Some(format!(
        "resolution {resolution} is no multiple of bucket_reso_steps ({steps}): square pictures are trained at \
         {square}x{square}, and samples are drawn at {resolution}x{resolution} (resolution: {square} or {above} has \
         both at one size)"
    ))
}

fn mask_notes(all: &[&ImageSample], masked_loss: bool) -> Vec<String> {
    let whole: Vec<String> =
        all.iter().filter(|s| s.mask == MaskSource::Whole).map(|s| s.relative.clone()).collect();
    let with_file = all.iter().filter(|sample| !sample.mask_digest.is_empty()).count();
    if masked_loss && !whole.is_empty() {
        let some = some_of(&whole);
        return vec![format!(
            "masked_loss: {} without a mask, counted as a whole: {some}",
            counted(whole.len(), "picture")
        )];
    }
    if !masked_loss && with_file > 0 {
        return vec![format!(
            "{} with a mask, which does not count without masked_loss: true",
            counted(with_file, "picture")
        )];
    }
    Vec::new()
}

impl ImageCheck {
    /// The arithmetic of steps: the same numbers that training and report show.
    pub fn arithmetic(&self) -> Vec<String> {
        let per_bucket: Vec<String> = self.buckets.iter().map(|row| row.batches.to_string()).collect();
        let looks: u64 = self.buckets.iter().map(|row| row.looks).sum();
        let sum =
            if per_bucket.len() == 1 { String::new() } else { format!("{} = ", per_bucket.join(" + ")) };
        vec![
            format!(
                "{} an epoch (pictures × repeats), in batches of {} for each bucket: {sum}{}",
                counted(looks, "sample"),
                self.batch_size,
                counted(self.batches_per_epoch, "batch")
            ),
            format!(
                "{} ÷ {} = {} an epoch; × {} {} = {}",
                counted(self.batches_per_epoch, "batch"),
                self.gradient_accumulation,
                counted(self.steps_per_epoch, "step"),
                short(self.epochs),
                if short(self.epochs) == "1" { "epoch" } else { "epochs" },
                counted(self.total_steps, "step")
            ),
        ]
    }

    /// The bucket table.
    pub fn bucket_table(&self) -> Vec<String> {
        let percent = |share: f64| format!("{:.1} %", share * 100.0);
        let header = ["bucket", "pictures", "looks", "batches", "dropped", "enlarged", "cropped", "at most"];
        let mut rows = vec![header.map(str::to_owned).to_vec()];
        for row in &self.buckets {
            rows.push(vec![
                row.bucket.clone(),
                row.pictures.to_string(),
                row.looks.to_string(),
                row.batches.to_string(),
                "0".into(),
                row.enlarged.to_string(),
                percent(row.cropped_mean),
                percent(row.cropped_max),
            ]);
        }
        columns(&rows)
    }

    /// Everything as plain lines for a terminal.
    pub fn lines(&self) -> Vec<String> {
        let captions: Vec<String> =
            self.captions.iter().map(|(from, count)| format!("{count} {from}")).collect();
        let mut lines = vec![
            format!("pictures: {}, {}", self.summary, self.layout),
            format!("captions: {}", captions.join(", ")),
        ];
        if self.regularisation_images > 0 {
            lines.push(format!("regularisation pictures: {}", self.regularisation_images));
        }
        if self.held_out_images > 0 {
            lines.push(format!("held out: {}", self.held_out_images));
        }
        lines.extend(self.bucket_table());
        lines.extend(self.arithmetic());
        if !self.skipped.is_empty() {
            lines.push(format!("left out ({}):", self.skipped.len()));
            let indented = |text: &String| text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>();
            lines.extend(self.skipped.iter().flat_map(indented));
        }
        lines.extend(self.notes.iter().map(|note| format!("note: {note}")));
        lines.iter().map(|line| loradeck_core::text::harmless(line).into_owned()).collect()
    }
}

/// A number of epochs without needless digits.
fn short(number: f64) -> String {
    let text = format!("{number:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

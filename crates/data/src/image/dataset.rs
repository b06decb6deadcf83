//! The pictures of a training: found, examined, with bad ones told, the held-out ones apart, and the regularisation
//! pictures behind the training pictures.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use loradeck_core::config::{DataIdentity, Diagnostic, Diagnostics, ImageSettings, OnBadSample};

use super::buckets::{Bucket, buckets};
use super::colour::colour;
use super::examine::{Examiner, Identity, identity};
use super::find::{Found, Layout, PictureFile, find};
use super::parts::{join, split};
use super::picture::Rgb;
use super::sample::ImageSample;
use crate::mapped::sha256_hex;
use crate::parallel;

/// The most looks at pictures in one epoch; each takes some bytes of a plan.
const MOST_LOOKS: u64 = 50_000_000;

/// What is asked of [`ImageData::load`].
#[derive(Clone, Copy, Debug)]
pub struct ImageRequest<'a> {
    /// The folder that texts are relative to.
    pub root: &'a Path,
    /// The value of `train_data_dir`.
    pub train_data_dir: &'a str,
    /// The value of `eval_data_dir`.
    pub eval_data_dir: Option<&'a str>,
    /// The share of the training pictures that is held out, where there is no `eval_data_dir`.
    pub eval_split: f64,
    /// The seed of that choice.
    pub split_seed: u64,
    /// The settings of image models.
    pub settings: &'a ImageSettings,
}

/// How far examining pictures has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Pictures examined.
    pub done: usize,
    /// Pictures in all.
    pub total: usize,
}

/// Pictures that belong together.
#[derive(Clone, Debug)]
pub struct ImageDataset {
    /// How the folder is laid out.
    pub layout: Layout,
    /// The pictures: training pictures in order of their names (or the table's rows), then regularisation pictures.
    pub samples: Vec<ImageSample>,
    /// sha256 over digest, mask, caption, repeats and size of every picture found, also of those that are left out and
    /// held out. Regularisation pictures have a fingerprint of their own.
    pub fingerprint: String,
    /// Bytes of the pictures found.
    pub size: u64,
}

/// All pictures of a training.
#[derive(Clone, Debug)]
pub struct ImageData {
    /// What is trained on, regularisation pictures included.
    pub train: ImageDataset,
    /// What is held out.
    pub held_out: Option<ImageDataset>,
    /// Fingerprint of the regularisation pictures, where there are any.
    pub regularisation_fingerprint: Option<String>,
    /// Pictures left out, each with the reason; empty unless `on_bad_sample` is `skip`.
    pub skipped: Vec<Diagnostic>,
    /// The colour behind transparent parts.
    pub background: Rgb,
    /// Notes about folders, captions and tables.
    pub(super) notes: Vec<String>,
}

impl ImageDataset {
    /// The training or held-out pictures, without those for regularisation.
    pub fn pictures(&self) -> impl Iterator<Item = &ImageSample> {
        self.samples.iter().filter(|sample| !sample.regularisation)
    }

    /// The regularisation pictures.
    pub fn regularisation(&self) -> impl Iterator<Item = &ImageSample> {
        self.samples.iter().filter(|sample| sample.regularisation)
    }

    /// "156 images (512x512)", or "156 images (6 buckets, mostly 512x512)".
    pub fn summary(&self) -> String {
        let mut counts: Vec<(Bucket, usize)> = Vec::new();
        let (mut images, mut size, mut one_size) = (0, None, true);
        for sample in self.pictures() {
            images += 1;
            one_size &= *size.get_or_insert((sample.width, sample.height)) == (sample.width, sample.height);
            match counts.iter_mut().find(|(bucket, _)| *bucket == sample.bucket) {
                Some((_, count)) => *count += 1,
                None => counts.push((sample.bucket, 1)),
            }
        }
        let noun = if images == 1 { "image" } else { "images" };
        let most = counts.iter().max_by_key(|(bucket, count)| (*count, *bucket)).map(|(bucket, _)| *bucket);
        match (most, size) {
            (Some(_), Some((width, height))) if one_size => format!("{images} {noun} ({width}x{height})"),
            (Some(bucket), _) if counts.len() == 1 => format!("{images} {noun} ({bucket})"),
            (Some(bucket), _) => format!("{images} {noun} ({} buckets, mostly {bucket})", counts.len()),
            _ => format!("{images} {noun}"),
        }
    }
}

impl ImageData {
    /// Finds and examines all pictures that a training needs, several at a time. `progress` is called after each, from
    /// any thread.
    ///
    /// Every problem is told at once. With `on_bad_sample: stop` each picture that cannot be used is an error; with
    /// `skip` it is left out and listed in [`Self::skipped`]. Folders that are not what they should be are always errors.
    pub fn load(
        request: &ImageRequest<'_>,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<Self, Diagnostics> {
        let settings = request.settings;
        let reg_data_dir = settings.reg_data_dir.as_deref();
        let (background, sizes) = usable_settings(settings)?;
        let mut problems = Vec::new();
        let mut look = |text: &str| find(request.root, text).map_err(|found| problems.extend(found.0)).ok();
        let train = look(request.train_data_dir);
        let (eval, reg) = (request.eval_data_dir.and_then(&mut look), reg_data_dir.and_then(&mut look));
        let Some(train) = train.filter(|_| problems.is_empty()) else {
            return Err(Diagnostics::sorted(problems));
        };
        let total =
            [Some(&train), eval.as_ref(), reg.as_ref()].iter().flatten().map(|f| f.pictures.len()).sum();
        let loader =
            Loader { settings, sizes: &sizes, background, done: AtomicUsize::new(0), total, progress };
        let train = loader.examine(train, false);
        let eval = eval.map(|found| loader.examine(found, false));
        let reg = reg.map(|found| loader.examine(found, true));
        assemble(request, background, train, eval, reg)
    }
}

fn usable_settings(settings: &ImageSettings) -> Result<(Rgb, Vec<Bucket>), Diagnostics> {
    let background = colour(&settings.background).ok_or_else(|| {
        let value = Some(settings.background.clone());
        let problem = Diagnostic { value, ..Diagnostic::of_file("background", "is no colour") };
        Diagnostics(vec![problem.with_hint("white, black, or #rrggbb in hexadecimal digits")])
    })?;
    let sizes = buckets(settings);
    if sizes.is_empty() {
        let message = format!(
            "{} leaves no room for a bucket with sides in steps of {}",
            settings.resolution, settings.bucket_reso_steps
        );
        return Err(Diagnostics(vec![Diagnostic::of_file("resolution", message)]));
    }
    Ok((background, sizes))
}

/// A folder's pictures after examination.
struct Examined {
    dataset: ImageDataset,
    bad: Vec<Diagnostic>,
    notes: Vec<String>,
}

struct Loader<'a> {
    settings: &'a ImageSettings,
    sizes: &'a [Bucket],
    background: Rgb,
    done: AtomicUsize,
    total: usize,
    progress: &'a (dyn Fn(Progress) + Sync),
}

impl Loader<'_> {
    fn examine(&self, found: Found, regularisation: bool) -> Examined {
        let large = Mutex::new(());
        let folder = std::fs::canonicalize(&found.folder).unwrap_or_else(|_| found.folder.clone());
        let examiner = Examiner {
            settings: self.settings,
            buckets: self.sizes,
            background: self.background,
            folder,
            regularisation,
            large: &large,
        };
        let tell = |_| {
            let done = self.done.fetch_add(1, Relaxed) + 1;
            (self.progress)(Progress { done, total: self.total });
        };
        let results = parallel::map_one_by_one(&found.pictures, |file| examiner.examine(file), &tell);
        let (mut samples, mut identities, mut bad) = (Vec::new(), Vec::new(), found.faults);
        for (identity, result) in results {
            identities.push(identity);
            match result {
                Ok(sample) => samples.push(sample),
                Err(problem) => bad.push(*problem),
            }
        }
        let dataset = ImageDataset {
            layout: found.layout,
            samples,
            fingerprint: fingerprint(&found.pictures, &identities),
            size: identities.iter().map(|identity| identity.size).sum(),
        };
        Examined { dataset, bad: Diagnostics::sorted(bad).0, notes: found.notes }
    }
}

fn assemble(
    request: &ImageRequest<'_>,
    background: Rgb,
    train: Examined,
    eval: Option<Examined>,
    reg: Option<Examined>,
) -> Result<ImageData, Diagnostics> {
    let settings = request.settings;
    let parts = [
        (request.train_data_dir, Some(&train)),
        (request.eval_data_dir.unwrap_or_default(), eval.as_ref()),
        (settings.reg_data_dir.as_deref().unwrap_or_default(), reg.as_ref()),
    ];
    let parts: Vec<(&str, &Examined)> =
        parts.into_iter().filter_map(|(text, part)| part.map(|part| (text, part))).collect();
    let skipped: Vec<Diagnostic> = parts.iter().flat_map(|(_, part)| part.bad.clone()).collect();
    if settings.on_bad_sample == OnBadSample::Stop && !skipped.is_empty() {
        return Err(Diagnostics(skipped));
    }
    if let Some((text, part)) = parts.iter().find(|(_, part)| part.dataset.samples.is_empty()) {
        let message = format!("has no picture that can be used; {} were left out", part.bad.len());
        let mut problems = vec![Diagnostic::of_file(*text, message)];
        problems.extend(part.bad.clone());
        return Err(Diagnostics(problems));
    }
    let mut notes = Vec::new();
    for (text, part) in &parts {
        notes.extend(part.notes.iter().map(|note| format!("{text}: {note}")));
    }
    let (mut train, mut held_out) = match eval {
        Some(eval) => (train.dataset, Some(eval.dataset)),
        None => split(train.dataset, request.eval_split, request.split_seed),
    };
    held_out.iter_mut().flat_map(|part| &mut part.samples).for_each(|sample| sample.repeats = 1);
    notes.extend(same_folder(request));
    let regularisation_fingerprint = reg.as_ref().map(|reg| reg.dataset.fingerprint.clone());
    if let Some(reg) = reg {
        notes.extend(join(&mut train, reg.dataset.samples));
    }
    let looks: u64 = train.samples.iter().map(|sample| u64::from(sample.repeats)).sum();
    if looks > MOST_LOOKS {
        let message = format!(
            "asks for {looks} samples of pictures in an epoch (pictures × repeats); {MOST_LOOKS} is the most"
        );
        return Err(Diagnostics(vec![
            Diagnostic::of_file(request.train_data_dir, message).with_hint("lower num_repeats"),
        ]));
    }
    Ok(ImageData { train, held_out, regularisation_fingerprint, skipped, background, notes })
}

/// Regularisation pictures are to show the class, not what is trained.
fn same_folder(request: &ImageRequest<'_>) -> Option<String> {
    let reg_data_dir = request.settings.reg_data_dir.as_deref()?;
    let place = |text: &str| std::fs::canonicalize(loradeck_core::file::below(request.root, text)).ok();
    let is_same = place(reg_data_dir).is_some_and(|folder| place(request.train_data_dir) == Some(folder));
    is_same.then(|| {
        "reg_data_dir is train_data_dir: regularisation pictures show the class without what is trained"
            .to_owned()
    })
}

fn fingerprint(files: &[PictureFile], identities: &[Identity]) -> String {
    let mut lines: Vec<String> = files
        .iter()
        .zip(identities)
        .map(|(file, found)| {
            let Identity { digest, mask_digest, width, height, .. } = found;
            let (name, repeats) = (&file.relative, file.repeats);
            format!("{name}\0{digest}\0{mask_digest}\0{}\0{repeats}\0{width}x{height}\n", file.caption.text)
        })
        .collect();
    lines.sort_unstable();
    sha256_hex(lines.iter().map(String::as_bytes))
}

/// What tells a data set from another, for a frozen configuration: reads every file, but decodes none. `samples` counts
/// the pictures found, whether or not they can be used.
pub fn image_identity(root: &Path, text: &str) -> Result<DataIdentity, Diagnostics> {
    let found = find(root, text)?;
    let identities = parallel::map_one_by_one(&found.pictures, identity, &|_| {});
    Ok(DataIdentity {
        path: text.to_owned(),
        samples: found.pictures.len() as u64,
        size: identities.iter().map(|identity| identity.size).sum(),
        fingerprint: fingerprint(&found.pictures, &identities),
    })
}

//! Which pictures are held out, and how regularisation pictures join those that are trained on.

use super::dataset::ImageDataset;
use super::find::some_of;
use super::plan::regularisation_repeats;
use super::sample::ImageSample;
use crate::mapped::sha256_hex;

/// Puts the regularisation pictures behind the training pictures, with as many looks in all as those have.
pub(super) fn join(train: &mut ImageDataset, mut regularisation: Vec<ImageSample>) -> Vec<String> {
    let looks = train.samples.iter().map(|sample| u64::from(sample.repeats)).sum();
    let says: Vec<u32> = regularisation.iter().map(|sample| sample.repeats).collect();
    let repeats = regularisation_repeats(&says, looks);
    regularisation.iter_mut().zip(repeats).for_each(|(sample, repeats)| sample.repeats = repeats);
    let unused: Vec<String> =
        regularisation.iter().filter(|s| s.repeats == 0).map(|s| s.relative.clone()).collect();
    train.samples.extend(regularisation);
    if unused.is_empty() {
        return Vec::new();
    }
    let some = some_of(&unused);
    vec![format!(
        "{} regularisation pictures are not used, because there are fewer training pictures: {some}",
        unused.len()
    )]
}

/// Holds out `share` of the pictures: those whose digests come first in an order that `seed` gives. So the choice
/// depends neither on names nor on the order of files, and equal files stay on one side. At least one picture is held
/// out and at least one kept; `None` where that cannot be.
pub(super) fn split(dataset: ImageDataset, share: f64, seed: u64) -> (ImageDataset, Option<ImageDataset>) {
    let count = dataset.samples.len();
    if share <= 0.0 || count < 2 {
        return (dataset, None);
    }
    let wanted = ((count as f64 * share).round() as usize).clamp(1, count - 1);
    let place = |digest: &str| sha256_hex([seed.to_le_bytes().as_slice(), digest.as_bytes()]);
    let mut places: Vec<String> = dataset.samples.iter().map(|sample| place(&sample.digest)).collect();
    let by_place = places.clone();
    places.sort_unstable();
    // Equal digests have equal places: the border moves down to where places differ.
    let border = places[wanted].clone();
    let border = if places[0] == border {
        places.iter().find(|place| **place > border).cloned()
    } else {
        Some(border)
    };
    let Some(border) = border else { return (dataset, None) };
    let part = |held_out: bool| {
        let pairs = dataset.samples.iter().zip(&by_place);
        let samples =
            pairs.filter(|(_, place)| (**place < border) == held_out).map(|(sample, _)| sample.clone());
        ImageDataset { samples: samples.collect(), fingerprint: dataset.fingerprint.clone(), ..dataset }
    };
    (part(false), Some(part(true)))
}

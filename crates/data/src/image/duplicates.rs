//! Pictures that occur more than once, exactly or nearly.

use super::dataset::ImageDataset;
use super::find::some_of;
use super::sample::ImageSample;
use super::words::counted;

/// Beyond so many pictures not every pair is compared by looks: that would take minutes.
const MOST_COMPARED: usize = 20_000;

/// Two pictures that are the same or look alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Twins {
    /// The earlier one's path within its data set.
    pub first: String,
    /// The later one's.
    pub second: String,
    /// Whether the files are equal, byte by byte.
    pub exact: bool,
}

/// For every picture of `second` (or of `first` itself) the first one of `first` that it repeats.
fn twins<'a>(pairs: impl Iterator<Item = (&'a ImageSample, &'a [&'a ImageSample])>) -> Vec<Twins> {
    pairs
        .filter_map(|(sample, earlier)| {
            let equal = earlier.iter().find(|other| other.digest == sample.digest);
            let near = || earlier.iter().find(|other| other.likeness.is_near(&sample.likeness));
            let first = equal.or_else(near)?;
            let (first, second) = (first.relative.clone(), sample.relative.clone());
            Some(Twins { first, second, exact: equal.is_some() })
        })
        .collect()
}

impl ImageDataset {
    /// Pictures that repeat an earlier one, exactly or nearly; nothing beyond 20,000 pictures.
    pub fn twins(&self) -> Vec<Twins> {
        let samples: Vec<&ImageSample> = self.pictures().collect();
        if samples.len() > MOST_COMPARED {
            return Vec::new();
        }
        twins(samples.iter().enumerate().map(|(index, sample)| (*sample, &samples[..index])))
    }

    /// Pictures of `held_out` that also occur here, exactly or nearly.
    pub fn leaked(&self, held_out: &Self) -> Vec<Twins> {
        let samples: Vec<&ImageSample> = self.pictures().collect();
        if samples.len() > MOST_COMPARED {
            return Vec::new();
        }
        twins(held_out.pictures().map(|sample| (sample, samples.as_slice())))
    }
}

/// The notes about them.
pub(super) fn notes(train: &ImageDataset, held_out: Option<&ImageDataset>) -> Vec<String> {
    let mut notes = Vec::new();
    let mut tell = |twins: &[Twins], exact: bool, what: &str, one: &str, several: &str| {
        let names: Vec<String> = twins
            .iter()
            .filter(|twins| twins.exact == exact)
            .map(|twins| format!("{} = {}", twins.second, twins.first))
            .collect();
        if !names.is_empty() {
            let verb = if names.len() == 1 { one } else { several };
            notes.push(format!("{} {verb}: {}", counted(names.len(), what), some_of(&names)));
        }
    };
    let within = train.twins();
    tell(
        &within,
        true,
        "picture",
        "is the same file as an earlier one",
        "are the same file as an earlier one",
    );
    tell(&within, false, "picture", "looks nearly like an earlier one", "look nearly like an earlier one");
    let leaked = held_out.map(|held_out| train.leaked(held_out)).unwrap_or_default();
    tell(&leaked, true, "held-out picture", "is also trained on", "are also trained on");
    tell(
        &leaked,
        false,
        "held-out picture",
        "looks nearly like one that is trained on",
        "look nearly like one that is trained on",
    );
    notes
}

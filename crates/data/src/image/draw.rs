//! What one look at a picture makes of it: where it is cropped, whether it is mirrored, and which caption goes with it.
//! Pure functions of seed, epoch and the look's number, so that a resumed run sees the same.

use loradeck_core::config::ImageSettings;

use super::buckets::Fit;
use super::caption::contains_word;
use super::plan::{Draw, shuffle};
use crate::random::{Purpose, Stream};

/// The part of a picture that a look shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct View {
    /// Pixels cut off at the left of the resized picture.
    pub x: u32,
    /// Pixels cut off at its top.
    pub y: u32,
    /// Whether the crop is mirrored, left for right.
    pub flip: bool,
}

impl View {
    /// The centre, not mirrored: what evaluation and previews show.
    pub fn centre(fit: &Fit) -> Self {
        let (right, down) = fit.slack();
        Self { x: right / 2, y: down / 2, flip: false }
    }

    /// What `draw` shows of a picture that fits its bucket as `fit` says.
    pub fn of(seed: u64, draw: Draw, fit: &Fit, settings: &ImageSettings) -> Self {
        let mut stream = Stream::part(seed, Purpose::Crop, draw.epoch as u32, draw.occurrence);
        // All three are always drawn, so that one setting does not change what another one gives.
        let flip = stream.unit() < 0.5;
        let mut anywhere = |slack: u32| stream.below(slack as usize + 1) as u32;
        let (right, down) = fit.slack();
        let (x, y) = (anywhere(right), anywhere(down));
        let centre = Self::centre(fit);
        let (x, y) = if settings.random_crop { (x, y) } else { (centre.x, centre.y) };
        Self { x, y, flip: flip && settings.flip_aug }
    }
}

/// The caption of a look.
///
/// With `caption_dropout_rate` it is left out as a whole (`""`). Else its comma-separated parts are treated: the first
/// `keep_tokens` stay in place, and so does a trigger word at the very front; the others are shuffled where
/// `shuffle_caption` says so, and each is left out with `caption_tag_dropout_rate`, but never the trigger word. Without
/// these settings the caption is as it stands.
pub fn caption_of(seed: u64, draw: Draw, caption: &str, settings: &ImageSettings) -> String {
    let mut stream = Stream::part(seed, Purpose::Caption, draw.epoch as u32, draw.occurrence);
    if f64::from(stream.unit()) < settings.caption_dropout_rate {
        return String::new();
    }
    let dropout = settings.caption_tag_dropout_rate;
    if !settings.shuffle_caption && dropout <= 0.0 {
        return caption.to_owned();
    }
    let trigger = settings.trigger_word.as_deref().unwrap_or_default();
    let is_trigger = |part: &str| !trigger.is_empty() && contains_word(part, trigger);
    let mut parts: Vec<&str> = tags(caption).collect();
    let front = usize::from(parts.first().is_some_and(|part| is_trigger(part)));
    let kept = (settings.keep_tokens as usize).max(front).min(parts.len());
    let mut others = parts.split_off(kept);
    if settings.shuffle_caption {
        shuffle(&mut stream, &mut others);
    }
    parts.extend(others.into_iter().filter(|part| f64::from(stream.unit()) >= dropout || is_trigger(part)));
    parts.join(", ")
}

/// The comma-separated parts of a caption, trimmed, without empty ones.
pub fn tags(caption: &str) -> impl Iterator<Item = &str> {
    caption.split(',').map(str::trim).filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::image::buckets::Bucket;
    use crate::image::testing::settings;

    const CAPTION: &str = "a, b, c, d, e, f, g, h";

    fn draw(epoch: u64, occurrence: u32) -> Draw {
        Draw { sample: 0, epoch, occurrence }
    }

    fn fit() -> Fit {
        Fit::of(Bucket { width: 512, height: 512 }, 700, 512)
    }

    #[test]
    fn without_settings_nothing_is_random() {
        let view = View::of(1, draw(2, 3), &fit(), &settings());
        assert_eq!(view, View { x: 94, y: 0, flip: false });
        assert_eq!(caption_of(1, draw(2, 3), " as,it  is ", &settings()), " as,it  is ");
    }

    #[test]
    fn crops_reach_everywhere_and_half_are_mirrored() {
        let random = ImageSettings { random_crop: true, flip_aug: true, ..settings() };
        let views: Vec<View> =
            (0..2000).map(|n| View::of(7, draw(u64::from(n % 5), n), &fit(), &random)).collect();
        let (least, most) = (views.iter().map(|v| v.x).min(), views.iter().map(|v| v.x).max());
        assert_eq!((least, most), (Some(0), Some(188)));
        assert!(views.iter().all(|view| view.y == 0));
        let mirrored = views.iter().filter(|view| view.flip).count();
        assert!((900..1100).contains(&mirrored), "{mirrored}");
        assert_ne!(View::of(7, draw(0, 1), &fit(), &random), View::of(7, draw(1, 1), &fit(), &random));
    }

    #[test]
    fn dropout_rates_are_met() {
        let whole = ImageSettings { caption_dropout_rate: 0.25, ..settings() };
        let dropped = (0..4000).filter(|n| caption_of(1, draw(0, *n), CAPTION, &whole).is_empty()).count();
        assert!((900..1100).contains(&dropped), "{dropped}");
        let parts = ImageSettings { caption_tag_dropout_rate: 0.5, keep_tokens: 2, ..settings() };
        let left: usize = (0..1000).map(|n| tags(&caption_of(1, draw(0, n), CAPTION, &parts)).count()).sum();
        assert!((4850..5150).contains(&left), "{left}");
    }

    #[test]
    fn the_trigger_word_stays() {
        let all = ImageSettings {
            caption_tag_dropout_rate: 1.0,
            shuffle_caption: true,
            trigger_word: Some("ohwx".into()),
            ..settings()
        };
        assert_eq!(caption_of(1, draw(0, 0), "ohwx, a, b", &all), "ohwx");
        assert_eq!(caption_of(1, draw(0, 0), "a, photo of OHWX, b", &all), "photo of OHWX");
    }

    proptest! {
        #[test]
        fn shuffling_keeps_parts_and_front(seed: u64, epoch in 0u64..9, occurrence: u32, keep in 0u32..10) {
            let settings = ImageSettings { shuffle_caption: true, keep_tokens: keep, ..settings() };
            let caption = caption_of(seed, draw(epoch, occurrence), CAPTION, &settings);
            prop_assert_eq!(&caption, &caption_of(seed, draw(epoch, occurrence), CAPTION, &settings));
            let front = (keep as usize).min(8);
            let (before, after): (Vec<&str>, Vec<&str>) = (tags(CAPTION).collect(), tags(&caption).collect());
            prop_assert_eq!(&before[..front], &after[..front]);
            let mut sorted = after;
            sorted.sort_unstable();
            prop_assert_eq!(sorted, before);
        }
    }
}

//! Aspect buckets: the sizes that pictures are brought to, so that those of one batch have one size (kohya's rule).

use std::fmt;

use loradeck_core::config::ImageSettings;
use serde::{Deserialize, Serialize};

/// A size that pictures are brought to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Bucket {
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

/// How a picture of some size comes into its bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fit {
    /// The bucket.
    pub bucket: Bucket,
    /// The picture's width after resizing: at least the bucket's.
    pub width: u32,
    /// Its height after resizing: at least the bucket's.
    pub height: u32,
    /// Whether resizing makes it larger.
    pub enlarged: bool,
}

/// The buckets of these settings, in order of width; empty only where the settings leave no room for any.
///
/// For every width from the shortest side to the longest, in steps, the greatest height in steps that keeps the area
/// within `resolution²` and the side within the longest; each also with sides exchanged; and the square
/// (kohya-ss/sd-scripts, `make_bucket_resolutions`).
pub fn buckets(settings: &ImageSettings) -> Vec<Bucket> {
    let step = settings.bucket_reso_steps.max(1);
    let whole = |length: u32| length / step * step;
    let area = u64::from(settings.resolution) * u64::from(settings.resolution);
    let square = whole(settings.resolution);
    let mut found: Vec<Bucket> =
        (square > 0).then_some(Bucket { width: square, height: square }).into_iter().collect();
    let shortest = settings.min_bucket_reso.max(1).div_ceil(step).saturating_mul(step);
    let mut width = shortest;
    while width <= settings.max_bucket_reso {
        let tallest = (area / u64::from(width)).min(u64::from(settings.max_bucket_reso)) as u32;
        let height = whole(tallest);
        if height >= shortest {
            found.extend([Bucket { width, height }, Bucket { width: height, height: width }]);
        }
        let Some(next) = width.checked_add(step) else { break };
        width = next;
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// The bucket of nearest aspect: the least difference of the logarithms of width/height; of two equally near ones the
/// larger, then the narrower.
pub fn nearest(buckets: &[Bucket], width: u32, height: u32) -> Option<Bucket> {
    let aspect = |width: u32, height: u32| (f64::from(width) / f64::from(height)).ln();
    let wanted = aspect(width, height);
    let area = |bucket: &Bucket| u64::from(bucket.width) * u64::from(bucket.height);
    buckets.iter().copied().min_by(|a, b| {
        let away = |bucket: &Bucket| (aspect(bucket.width, bucket.height) - wanted).abs();
        away(a).total_cmp(&away(b)).then_with(|| area(b).cmp(&area(a)))
    })
}

impl Fit {
    /// A picture of this size is resized, its shape kept, until it just covers `bucket`.
    pub fn of(bucket: Bucket, width: u32, height: u32) -> Self {
        let (width, height) = (width.max(1), height.max(1));
        let (by_width, by_height) =
            (f64::from(bucket.width) / f64::from(width), f64::from(bucket.height) / f64::from(height));
        let scale = by_width.max(by_height);
        let side = |length: u32, least: u32| ((f64::from(length) * scale).round() as u32).max(least);
        Self {
            bucket,
            width: side(width, bucket.width),
            height: side(height, bucket.height),
            enlarged: scale > 1.0,
        }
    }

    /// How far the crop may move to the right and down, in pixels.
    pub fn slack(&self) -> (u32, u32) {
        (self.width - self.bucket.width, self.height - self.bucket.height)
    }

    /// The share of the picture that the crop leaves out, 0 to below 1.
    pub fn cropped_away(&self) -> f64 {
        let area = |width: u32, height: u32| f64::from(width) * f64::from(height);
        1.0 - area(self.bucket.width, self.bucket.height) / area(self.width, self.height)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::image::testing::settings;

    #[test]
    fn the_buckets_at_512_are_kohyas() {
        let all: Vec<String> = buckets(&settings()).iter().map(ToString::to_string).collect();
        // sd-scripts' make_bucket_resolutions((512, 512), 256, 1024, 64).
        let expected = "256x832 256x896 256x960 256x1024 320x704 320x768 384x640 448x576 512x512 576x448 640x384 \
                        704x320 768x320 832x256 896x256 960x256 1024x256";
        assert_eq!(all.join(" "), expected);
    }

    #[test]
    fn a_picture_goes_where_least_is_lost() {
        let all = buckets(&settings());
        let of = |width, height| nearest(&all, width, height).unwrap().to_string();
        assert_eq!(
            (of(2000, 2000), of(1500, 1000), of(1000, 1500)),
            ("512x512".into(), "640x384".into(), "384x640".into())
        );
        assert_eq!((of(10_000, 100), of(1, 9)), ("1024x256".into(), "256x1024".into()));
    }

    #[test]
    fn covering_keeps_the_shape_and_tells_what_is_lost() {
        let fit = Fit::of(Bucket { width: 512, height: 512 }, 1024, 768);
        assert_eq!((fit.width, fit.height, fit.slack(), fit.enlarged), (683, 512, (171, 0), false));
        assert!((fit.cropped_away() - 171.0 / 683.0).abs() < 1e-9);
        assert!(Fit::of(fit.bucket, 100, 100).enlarged);
    }

    proptest! {
        #[test]
        fn every_bucket_obeys_the_settings(resolution in 64u32..1500, step in prop::sample::select(vec![8u32, 32, 64])) {
            let settings = ImageSettings {
                resolution, bucket_reso_steps: step,
                min_bucket_reso: resolution / 2, max_bucket_reso: resolution * 2, ..settings()
            };
            let all = buckets(&settings);
            prop_assert!(!all.is_empty());
            for bucket in &all {
                prop_assert!(u64::from(bucket.width) * u64::from(bucket.height) <= u64::from(resolution).pow(2));
                prop_assert!(bucket.width % step == 0 && bucket.height % step == 0);
                prop_assert!(bucket.width.max(bucket.height) <= resolution * 2);
                let turned = Bucket { width: bucket.height, height: bucket.width };
                prop_assert!(all.contains(&turned));
            }
        }

        #[test]
        fn a_fit_covers_its_bucket(width in 1u32..5000, height in 1u32..5000) {
            let bucket = nearest(&buckets(&settings()), width, height).unwrap();
            let fit = Fit::of(bucket, width, height);
            prop_assert!(fit.width >= bucket.width && fit.height >= bucket.height);
            prop_assert!(fit.width == bucket.width || fit.height == bucket.height);
            prop_assert!((0.0..1.0).contains(&fit.cropped_away()));
        }
    }
}

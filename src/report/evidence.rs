//! What a figure is evidence of. No IO.

use loradeck_core::run::Summary;
use loradeck_data::image::FEWEST_TO_RANK;

use super::words;

/// Why the metric `tag` of a training on pictures says nothing about which run is better, or whether it came to
/// anything; `None` where it does, or for a training on text.
pub(super) fn doubt(is_image: bool, tag: &str, eval_samples: u64) -> Option<String> {
    match tag {
        _ if !is_image => None,
        // Every step's loss is at noise levels of its own, which matter more than what was learned.
        "train/loss" => Some(
            "no picture was held out, and the loss of single training steps changes with their noise levels more than \
             with what was learned"
                .to_owned(),
        ),
        "eval/loss" if eval_samples < FEWEST_TO_RANK as u64 => {
            Some(format!("{}: too few to rank runs", words::counted(eval_samples, "held-out picture")))
        }
        _ => None,
    }
}

/// [`doubt`] of a run with this summary.
pub(super) fn doubt_of(is_image: bool, tag: &str, summary: &Summary) -> Option<String> {
    doubt(is_image, tag, summary.eval_samples)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_steps_and_a_handful_of_pictures_rank_nothing() {
        assert!(doubt(true, "train/loss", 0).unwrap().contains("no picture was held out"));
        assert_eq!(doubt(true, "eval/loss", 1).unwrap(), "1 held-out picture: too few to rank runs");
        assert_eq!(doubt(true, "eval/loss", 4), None);
        assert_eq!((doubt(false, "train/loss", 0), doubt(false, "eval/loss", 1)), (None, None));
    }
}

//! Reading what a comparison needs of each run: configuration, summary and state, never the events.

use std::collections::BTreeMap;

use loradeck_core::config::Provenance;
use loradeck_core::error::FileError;
use loradeck_core::run::{RunFolder, Status, Summary, latest_attempt};
use loradeck_core::time::Moment;

use super::ComparedRun;
use crate::report::outcome_word;
use crate::report::settings::{Frozen, FrozenError};

/// Reads one run; `None` where it has neither state nor summary. A run whose configuration cannot be read is compared
/// without settings.
pub fn gather(run: &RunFolder, name: String) -> Result<Option<ComparedRun>, FileError> {
    let (summary, status) = (Summary::read(run)?, Status::read(run)?);
    let state = status.as_ref().map(|status| status.state.word());
    let Some(state) = state.or(summary.as_ref().map(|summary| outcome_word(summary.outcome))) else {
        return Ok(None);
    };
    let (settings, chosen, is_image, provenance) = match Frozen::read(run, &overrides(run)) {
        Ok(frozen) => {
            let is_image = frozen.settings.is_image() && !frozen.settings.is_foreign();
            (settings(&frozen), chosen(&frozen), is_image, frozen.provenance)
        }
        Err(FrozenError::File(error)) if !error.is_not_found() => return Err(error),
        Err(_) => (Vec::new(), Vec::new(), false, Provenance::default()),
    };
    let message = status.and_then(|status| status.message);
    let link = format!("runs/{}/README.md", run.name());
    let state = state.to_owned();
    Ok(Some(match summary {
        Some(summary) => ComparedRun {
            name,
            link,
            state,
            message: message.or(summary.message),
            settings,
            chosen,
            metrics: summary.metrics,
            step: summary.step,
            total_steps: summary.total_steps,
            seconds: summary.seconds,
            tokens: summary.tokens,
            images: summary.images,
            eval_samples: summary.eval_samples,
            is_image,
            updated: summary.updated,
            provenance,
        },
        None => ComparedRun {
            name,
            link,
            state,
            message,
            settings,
            chosen,
            metrics: BTreeMap::new(),
            step: 0,
            total_steps: 0,
            seconds: 0.0,
            tokens: 0,
            images: 0,
            eval_samples: 0,
            is_image,
            updated: Moment::default(),
            provenance,
        },
    }))
}

/// The overrides of the newest attempt.
fn overrides(run: &RunFolder) -> Vec<String> {
    let latest = latest_attempt(run);
    let attempt: Option<loradeck_core::run::Attempt> =
        loradeck_core::file::read_json(&run.attempt(latest)).ok().flatten();
    attempt.map(|attempt| attempt.overrides).unwrap_or_default()
}

fn settings(frozen: &Frozen) -> Vec<(String, String)> {
    let rows = frozen.rows().into_iter().filter(|row| !row.is_name);
    rows.map(|row| (row.key.to_owned(), row.value)).collect()
}

fn chosen(frozen: &Frozen) -> Vec<String> {
    frozen.rows().into_iter().filter(|row| row.is_chosen).map(|row| row.key.to_owned()).collect()
}

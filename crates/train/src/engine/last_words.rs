//! The end of a finished training: its weights, which are waited for where the disk has no room.

use std::collections::BTreeMap;
use std::io::Write;

use loradeck_core::config::frozen_text;
use loradeck_core::patience::{AT_THE_END, WantsRoom};

use super::record::Record;
use super::requests::{End, Watch};
use super::training_loop::Ending;
use crate::device::{self, Hardware};
use crate::error::TrainError;
use crate::tasks::{Task, TaskInputs};

/// Tells of waiting everywhere: the records may lie on the disk that has no room, standard error does not.
pub(super) fn tell_of_waiting(record: &mut Record, error: &impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr(), "warning: {error} (trying again)");
    record.line(&format!("warning: {error}; waiting for room (a stop ends the wait)"));
    let entry = record.entry("waiting-for-room").at(record.summary.step);
    record.journal(&entry.with("problem", error.to_string()));
}

/// Writes the final weights. A stop ends the wait for room.
pub(super) fn write_weights(
    record: &mut Record,
    inputs: &dyn TaskInputs,
    task: &dyn Task,
    hardware: &Hardware,
    watch: &mut Watch,
) -> Result<Ending, TrainError> {
    let metadata = header(inputs, record, hardware);
    let folder = record.run().checkpoints();
    let mut is_stopped = false;
    let written = AT_THE_END.unless(
        record,
        |_| {
            is_stopped = watch.wants_end();
            is_stopped
        },
        tell_of_waiting,
        |record| task.write_final(&folder, &metadata, record),
    );
    let written = match written {
        Err(error) if error.wants_room() && is_stopped => return stopped_in_the_wait(record, &error),
        other => other?,
    };
    record.summary.weights_sha256 = Some(written.sha256.clone());
    let entry = record.entry("weights").at(record.summary.step).with("sha256", written.sha256.as_str());
    record.journal(&entry.with("files", written.files.clone()));
    for name in &written.files {
        record.line(&format!("wrote {}", folder.join(name).display()));
    }
    Ok(Ending::Finished)
}

/// A training that was stopped while it waited for room for its weights: nothing is lost where its last checkpoint is
/// there.
fn stopped_in_the_wait(record: &mut Record, error: &TrainError) -> Result<Ending, TrainError> {
    let step = record.summary.step;
    if record.run().checkpoint_steps().last() == Some(&step) {
        record.line(&format!(
            "stopped while waiting for room: the weights are in the checkpoint of step {step}"
        ));
        return Ok(Ending::Asked(End::Stop));
    }
    Err(TrainError::StoppedWithoutCheckpoint { step, problem: error.to_string() })
}

/// What the header of the final weights says of the training.
fn header(inputs: &dyn TaskInputs, record: &Record, hardware: &Hardware) -> BTreeMap<String, String> {
    let summary = &record.summary;
    [
        ("format", "pt".to_owned()),
        ("loradeck.config", frozen_text(inputs.settings(), None)),
        ("loradeck.base_model", inputs.base_name()),
        ("loradeck.base_sha256", summary.base_sha256.clone().unwrap_or_default()),
        ("loradeck.data_fingerprint", inputs.data_fingerprint()),
        ("loradeck.step", summary.step.to_string()),
        ("loradeck.device", hardware.choice.name.clone()),
        ("loradeck.precision", device::kind_name(hardware.kind).to_owned()),
        ("loradeck.threads", hardware.threads.to_string()),
        ("loradeck.trainer", env!("CARGO_PKG_VERSION").to_owned()),
        ("loradeck.libtorch", device::LIBTORCH_VERSION.to_owned()),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value))
    .collect()
}

#[cfg(test)]
mod tests {
    use loradeck_core::error::FileError;
    use loradeck_core::run::{RunFolder, read_journal};

    use super::*;

    fn full() -> TrainError {
        let source = std::io::Error::from(std::io::ErrorKind::StorageFull);
        FileError::new("x.safetensors", "write", source).into()
    }

    #[test]
    fn a_stop_in_the_wait_keeps_the_last_checkpoint() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::new(folder.path());
        let mut record = Record::open(&run, 1, true).unwrap();
        record.summary.step = 8;
        std::fs::create_dir_all(run.checkpoint(8)).unwrap();
        tell_of_waiting(&mut record, &full());
        assert_eq!(stopped_in_the_wait(&mut record, &full()).unwrap(), Ending::Asked(End::Stop));
        let log = std::fs::read_to_string(run.train_log()).unwrap();
        assert!(log.contains("waiting for room") && log.contains("checkpoint of step 8"), "{log}");
        assert!(read_journal(&run).entries.iter().any(|entry| entry.kind == "waiting-for-room"));
        record.summary.step = 9;
        let error = stopped_in_the_wait(&mut record, &full()).unwrap_err();
        assert!(matches!(error, TrainError::StoppedWithoutCheckpoint { step: 9, .. }), "{error}");
    }
}

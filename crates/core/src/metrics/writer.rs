//! The writing end of the metric store: event files that TensorBoard reads too.
//!
//! Every record is one write, so that a reader sees it whole or as a short tail, and a killed writer leaves at
//! most one half record at the end of its own file.

use std::borrow::Cow;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::EVENT_FILE_PREFIX;
use super::event::{Content, Datum, Event, FILE_VERSION, Image, Value};
use super::record::frame;
use crate::error::{FileError, WithPath};
use crate::file::create_folder;
use crate::time::Moment;

/// One open event file.
#[derive(Debug)]
pub struct EventWriter {
    path: PathBuf,
    file: File,
}

impl EventWriter {
    /// Starts a new event file in the folder `logs`, made where missing.
    ///
    /// Readers take files in lexicographic order, so the number in the name is the later of `now` and the newest
    /// file's number plus one, whatever the clock did in between.
    ///
    /// # Errors
    /// [`FileError`] where the folder or file cannot be made or written.
    pub fn create(logs: &Path, host: &str, now: Moment) -> Result<Self, FileError> {
        create_folder(logs)?;
        let mut number = next_number(&event_file_names(logs)?, now);
        loop {
            let path = logs.join(file_name(number, host));
            match OpenOptions::new().append(true).create_new(true).open(&path) {
                Ok(file) => {
                    let mut writer = Self { path, file };
                    writer.put(0, now, Content::FileVersion(FILE_VERSION.into()))?;
                    return Ok(writer);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(FileError::new(&path, "create", error)),
            }
        }
    }

    /// Starts the file of a resumed run, whose first event makes readers drop what was logged at `step` or later.
    ///
    /// `step` is the first step that will be logged again: the checkpoint's step plus one.
    ///
    /// # Errors
    /// As [`EventWriter::create`].
    pub fn open_for_resume(logs: &Path, host: &str, now: Moment, step: u64) -> Result<Self, FileError> {
        let mut writer = Self::create(logs, host, now)?;
        writer.session_start(step, now)?;
        Ok(writer)
    }

    /// The file being written.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends one number.
    ///
    /// # Errors
    /// [`FileError`] where the file cannot be written.
    pub fn scalar(&mut self, step: u64, tag: &str, value: f32, time: Moment) -> Result<(), FileError> {
        self.scalars(step, &[(tag, value)], time)
    }

    /// Appends several numbers of one step as one event: readers see all of them or none.
    ///
    /// # Errors
    /// [`FileError`] where the file cannot be written.
    pub fn scalars(&mut self, step: u64, values: &[(&str, f32)], time: Moment) -> Result<(), FileError> {
        let values = values
            .iter()
            .map(|(tag, value)| Value { tag: Cow::Borrowed(*tag), datum: Datum::Scalar(f64::from(*value)) })
            .collect();
        self.put(step, time, Content::Summary(values))
    }

    /// Appends text, shown by TensorBoard's text plugin as Markdown.
    ///
    /// # Errors
    /// [`FileError`] where the file cannot be written.
    pub fn text(&mut self, step: u64, tag: &str, text: &str, time: Moment) -> Result<(), FileError> {
        let value = Value { tag: tag.into(), datum: Datum::Text(text.into()) };
        self.put(step, time, Content::Summary(vec![value]))
    }

    /// Appends an encoded picture.
    ///
    /// # Errors
    /// [`FileError`] where the file cannot be written.
    pub fn image(&mut self, step: u64, tag: &str, image: Image<'_>, time: Moment) -> Result<(), FileError> {
        let value = Value { tag: tag.into(), datum: Datum::Image(image) };
        self.put(step, time, Content::Summary(vec![value]))
    }

    /// Marks a (re)start at `step`: earlier points at this step or later are dropped by readers.
    ///
    /// # Errors
    /// [`FileError`] where the file cannot be written.
    pub fn session_start(&mut self, step: u64, time: Moment) -> Result<(), FileError> {
        self.put(step, time, Content::SessionStart)
    }

    /// Pushes everything written to the disk.
    ///
    /// # Errors
    /// [`FileError`] where the system refuses.
    pub fn sync(&self) -> Result<(), FileError> {
        self.file.sync_data().with_path(&self.path, "sync")
    }

    fn put(&mut self, step: u64, time: Moment, content: Content<'_>) -> Result<(), FileError> {
        let event = Event { wall_time: time.seconds(), step, content };
        self.file.write_all(&frame(&event.encode())).with_path(&self.path, "append to")
    }
}

/// The event files' names in `folder`, in the order in which they are read; none where there is no folder.
pub(super) fn event_file_names(folder: &Path) -> Result<Vec<String>, FileError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.with_path(folder, "list")?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.with_path(folder, "list")?.file_name();
        if let Some(name) = name.to_str().filter(|name| name.starts_with(EVENT_FILE_PREFIX)) {
            names.push(name.to_owned());
        }
    }
    names.sort_unstable();
    Ok(names)
}

fn next_number(names: &[String], now: Moment) -> i64 {
    let newest = names.iter().filter_map(|name| number_of(name)).max();
    newest.map_or(0, |newest| newest.saturating_add(1)).max(now.0.div_euclid(1000))
}

fn number_of(name: &str) -> Option<i64> {
    name.strip_prefix(EVENT_FILE_PREFIX)?.strip_prefix('.')?.split('.').next()?.parse().ok()
}

fn file_name(number: i64, host: &str) -> String {
    let host: String = host
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '-' })
        .collect();
    format!("{EVENT_FILE_PREFIX}.{number:010}.{host}.{}.0", std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_set_back_does_not_reorder_files() {
        let folder = tempfile::tempdir().unwrap();
        let first = EventWriter::create(folder.path(), "host", Moment(2_000_000)).unwrap();
        let second = EventWriter::create(folder.path(), "host", Moment(1_000_000)).unwrap();
        let third = EventWriter::create(folder.path(), "a", Moment(1_000_000)).unwrap();
        let names = event_file_names(folder.path()).unwrap();
        let expected: Vec<_> = [&first, &second, &third]
            .iter()
            .map(|w| w.path().file_name().unwrap().to_str().unwrap())
            .collect();
        assert_eq!(names, expected);
        assert!(names[0].starts_with("events.out.tfevents.0000002000.host."), "{names:?}");
    }

    #[test]
    fn a_host_name_stays_inside_the_folder() {
        assert!(
            file_name(7, "../evil/ host.x").starts_with("events.out.tfevents.0000000007.---evil--host-x.")
        );
    }

    #[test]
    fn foreign_names_count_only_where_they_hold_a_number() {
        let names = ["events.out.tfevents".into(), "events.out.tfevents.17.h".into()];
        assert_eq!(next_number(&names, Moment(0)), 18);
        assert_eq!(next_number(&[], Moment(-5)), 0);
    }
}

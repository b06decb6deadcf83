//! `control/ID.json`: requests to a running attempt. Anyone makes them, nobody edits them; the answerer's journal
//! holds the answers.

use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::error::FileError;
use crate::file::{self, Durability};
use crate::run::RunFolder;
use crate::time::Moment;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Deed {
    /// Write a checkpoint, then end.
    Stop,
    /// End at once.
    Kill,
    /// End at a checkpoint because the sweep gave this trial up.
    Prune,
    /// Write a checkpoint and go on.
    Save,
    /// Answer the sample prompts and go on.
    Sample,
    /// Keep the newest checkpoint for good.
    Keep,
}

/// One request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The attempt it is meant for; for another one it is answered `expired`.
    pub attempt: u32,
    /// When it was made.
    pub time: Moment,
    /// What is asked for.
    #[serde(rename = "do")]
    pub deed: Deed,
}

/// A request with the id that names its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestFile {
    /// The file's stem, unique within the run.
    pub id: String,
    /// Its contents.
    pub request: Request,
}

/// Leaves a request, renamed into place whole. Returns its id.
pub fn post_request(run: &RunFolder, request: &Request) -> Result<String, FileError> {
    file::create_folder(&run.control())?;
    let unique = file::staging_path(&PathBuf::from("r"));
    let suffix = unique.to_string_lossy().trim_start_matches(".tmp-r-").to_owned();
    let id = format!("{:013}-{suffix}", request.time.0);
    file::replace_json(&run.control().join(format!("{id}.json")), request, Durability::Renamed)?;
    Ok(id)
}

/// All requests in order of their making; unreadable ones are passed over.
pub fn pending_requests(run: &RunFolder) -> Vec<RequestFile> {
    let Ok(entries) = fs::read_dir(run.control()) else { return Vec::new() };
    let mut requests: Vec<RequestFile> = entries
        .flatten()
        .filter_map(|entry| {
            let id = entry.file_name().to_string_lossy().strip_suffix(".json")?.to_owned();
            if id.starts_with('.') {
                return None;
            }
            let request = file::read_json(&entry.path()).ok().flatten()?;
            Some(RequestFile { id, request })
        })
        .collect();
    requests.sort_by(|left, right| left.id.cmp(&right.id));
    requests
}

/// Whether this attempt was asked to end, in whichever way.
pub fn asked_to_end(run: &RunFolder, attempt: u32) -> bool {
    let ends = |deed| matches!(deed, Deed::Stop | Deed::Kill | Deed::Prune);
    pending_requests(run).iter().any(|file| file.request.attempt == attempt && ends(file.request.deed))
}

/// Removes answered requests of ended attempts.
pub fn withdraw_requests(run: &RunFolder, ids: &[String]) {
    for id in ids {
        let _ = fs::remove_file(run.control().join(format!("{id}.json")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_come_back_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::new(folder.path());
        for (time, deed) in [(20, Deed::Kill), (10, Deed::Stop)] {
            post_request(&run, &Request { attempt: 1, time: Moment(time), deed }).unwrap();
        }
        let deeds: Vec<Deed> = pending_requests(&run).into_iter().map(|file| file.request.deed).collect();
        assert_eq!(deeds, [Deed::Stop, Deed::Kill]);
        post_request(&run, &Request { attempt: 2, time: Moment(30), deed: Deed::Save }).unwrap();
        assert!(asked_to_end(&run, 1) && !asked_to_end(&run, 2));
    }
}

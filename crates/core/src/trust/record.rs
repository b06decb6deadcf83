//! What is kept of a trusted workspace.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::facts::Identity;
use crate::time::Moment;

/// The file in `.loradeck` that tells one folder from another where the file system does not say when it was made.
pub(super) const MARK: &str = "trust-mark";

/// What was accepted explicitly, because it lets others decide what runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// Numbers of other users that own one of its folders.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owners: Vec<u32>,
    /// Whether everybody may write into one of its folders.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub writable_by_all: bool,
}

/// A workspace that its user trusts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustRecord {
    /// Its canonical path.
    #[serde(serialize_with = "write_path", deserialize_with = "read_path")]
    pub path: PathBuf,
    /// Which folder that is.
    pub folder: Identity,
    /// The mark that was left in it.
    pub mark: String,
    /// The user who trusts it, by number: a record that another user left says nothing.
    pub user: u32,
    /// What was accepted besides.
    #[serde(default)]
    pub accepted: Accepted,
    /// Which command recorded it: `init`, `demo` or `trust`.
    pub by: String,
    /// When.
    pub time: Moment,
}

/// A path that is no UTF-8 is written as the numbers of its bytes.
fn write_path<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    match path.to_str() {
        Some(text) => serializer.serialize_str(text),
        None => path.as_os_str().as_encoded_bytes().serialize(serializer),
    }
}

fn read_path<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Text(String),
        Bytes(Vec<u8>),
    }
    Ok(match Written::deserialize(deserializer)? {
        Written::Text(text) => PathBuf::from(text),
        Written::Bytes(bytes) => PathBuf::from(OsString::from_vec(bytes)),
    })
}

//! Commits (the door of git2): exactly our paths, index first, then the ref; nothing else of the user's repository
//! is touched.
//!
//! No hook is run, no filter program is started and nothing is signed: what was left out is named in
//! [`Outcome::Committed`]. Whatever keeps git from taking a commit now is a [`Reason`], never a failed run.

mod commit;
mod identity;
mod ignore;
mod index;
mod index_lock;
mod look;
mod open;
mod outcome;
mod patch;
mod paths;
mod secrets;
mod snapshot;
mod stage;
#[cfg(test)]
mod tests;

pub use commit::commit_paths;
pub use ignore::{COMMITTED_IN_EXPERIMENT, COMMITTED_IN_RUN, workspace_gitignore};
pub use look::{
    file_at, head_commit, head_contains, history, identity, is_dirty, names_in_head, pending, submodules,
};
pub use open::{Initialised, init, set_local_identity};
pub use outcome::{CommitError, CommitId, Operation, Outcome, Reason, Skipped};
pub use patch::{Patch, uncommitted_patch};
pub use secrets::{Finding, SecretKind, scan};
pub use snapshot::export_code;

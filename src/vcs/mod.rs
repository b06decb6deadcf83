//! Commits (the door of git2).

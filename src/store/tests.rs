//! The store over real folders.

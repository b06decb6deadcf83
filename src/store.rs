//! All runs in memory, from their folders.

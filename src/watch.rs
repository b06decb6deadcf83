//! What changed on disk: notify beside polling.

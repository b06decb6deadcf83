//! Templates: reports and chat templates (the door of `minijinja`).

//! The `loradeck-train` program.

fn main() {}

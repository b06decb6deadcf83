//! The `loradeck` program.

fn main() {}

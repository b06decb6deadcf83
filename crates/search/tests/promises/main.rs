//! What holds for every space, seed and history: proposals are functions of their arguments and stay inside the space;
//! early stopping never stops the best and decides the same again.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod proposals;
mod stopping;

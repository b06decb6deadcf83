//! Low-rank adapters: where they sit, their numbers in one flat buffer, and the layers that carry them.

pub mod autograd;
pub mod linear;
mod set;

pub use set::{AdapterSet, AdapterSite, Matrix, Naming};

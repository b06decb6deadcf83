//! What diffusion models need beside their networks.

pub mod scheduler;

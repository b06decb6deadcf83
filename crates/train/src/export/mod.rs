//! Writing trained weights in formats that other programs read.

mod container;
pub mod image;
mod peft;

pub use container::{Container, container};
pub use peft::{
    AdapterFacts, CONFIG, PLAIN_WEIGHTS, WEIGHTS, adapter_config, read_adapter_config, write_adapter,
    write_final,
};

//! Causal language models: the next token of a chat's answers, with gradients written by hand.

mod answers;
pub mod attach;
pub mod batch;
mod evaluation;
pub mod generate;
mod inputs;
pub mod probe;
mod task;

pub use answers::{ANSWER_TOKENS, Answer, answer};
pub use inputs::Inputs;
pub use task::CausalLm;

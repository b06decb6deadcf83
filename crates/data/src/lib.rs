//! What loradeck knows of data and weight files, without libtorch: GGUF and safetensors readers, tokenizers, chat
//! samples with their loss masks, data sets of text and of pictures, the data order, and the check before any training time is spent.

pub mod base_model;
pub mod caption_lengths;
pub mod chat;
pub mod check;
pub mod dataset;
pub mod gguf;
pub mod image;
pub mod image_check;
pub mod image_memory;
pub mod image_summary;
pub mod lora_names;
pub mod lora_targets;
pub mod mapped;
pub mod memory;
pub mod order;
mod parallel;
pub mod random;
pub mod safetensors;
pub mod sample;
pub mod sample_view;
pub mod tokenizer;

//! The LoRA trainer of loradeck.

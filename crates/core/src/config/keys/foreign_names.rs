//! Names that other trainers have for what a key here says: sd-scripts (kohya), diffusers' scripts, PEFT,
//! transformers, LLaMA-Factory. They are offered as hints, and not read: what goes with them may differ.

/// Their name, and ours.
const RENAMED: &[(&str, &str)] = &[
    ("caption_tag_dropout", "caption_tag_dropout_rate"),
    ("cutoff_len", "max_seq_len"),
    ("conv_dim", "conv_rank"),
    ("dataset", "train_data_dir"),
    ("dataset_dir", "train_data_dir"),
    ("gradient_accumulation_steps", "gradient_accumulation"),
    ("instance_data_dir", "train_data_dir"),
    ("logging_steps", "log_steps"),
    ("lora_target", "lora_targets"),
    ("lr_warmup_steps", "warmup_steps"),
    ("max_length", "max_seq_len"),
    ("max_resolution", "resolution"),
    ("max_seq_length", "max_seq_len"),
    ("max_train_epochs", "epochs"),
    ("max_train_steps", "max_steps"),
    ("mixed_precision", "precision"),
    ("model_name_or_path", "base_model"),
    ("network_alpha", "lora_alpha"),
    ("network_dim", "lora_rank"),
    ("network_dropout", "lora_dropout"),
    ("num_train_epochs", "epochs"),
    ("output_name", "run_name"),
    ("per_device_eval_batch_size", "eval_batch_size"),
    ("per_device_train_batch_size", "batch_size"),
    ("pretrained_model_name_or_path", "base_model"),
    ("sample_every_n_steps", "sample_steps"),
    ("sample_sampler", "sample_scheduler"),
    ("save_every_n_steps", "save_steps"),
    ("snr_gamma", "min_snr_gamma"),
    ("target_modules", "lora_targets"),
    ("train_batch_size", "batch_size"),
    ("validation_prompt", "sample_prompts"),
];

/// Their name, and why nothing stands for it.
const NEEDLESS: &[(&str, &str)] = &[
    ("bucket_no_upscale", "remove it: a picture smaller than its bucket is enlarged, and the check says so"),
    ("caption_extension", "remove it: NAME.txt and NAME.caption are both read"),
    ("color_aug", "remove it: colours are never changed"),
    ("enable_bucket", "remove it: pictures are always sorted into buckets"),
    ("network_args", "conv_rank, conv_alpha, rank_dropout and module_dropout are keys of their own"),
    ("network_module", "remove it: LoRA is what is trained"),
    ("network_train_unet_only", "text_encoder_lr: 0, which is the default"),
    ("optimizer_type", "remove it: AdamW is what trains"),
    ("save_every_n_epochs", "save_steps: checkpoints follow steps"),
    ("save_model_as", "remove it: safetensors are written"),
    ("save_precision", "remove it: adapters are written in fp32"),
    ("sdpa", "remove it: fused attention is always used"),
    ("xformers", "remove it: fused attention is always used"),
];

/// What to write in the place of another trainer's name.
pub(super) fn foreign_name_hint(name: &str) -> Option<String> {
    let of = |table: &[(&'static str, &'static str)]| {
        table.iter().find(|(theirs, _)| *theirs == name).map(|(_, ours)| *ours)
    };
    of(RENAMED).map(|ours| format!("write '{ours}'")).or_else(|| of(NEEDLESS).map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::keys::find_key;

    #[test]
    fn every_name_leads_to_a_key_and_is_none_itself() {
        for (theirs, ours) in RENAMED {
            assert!(find_key(theirs).is_none(), "{theirs} is a key");
            assert!(find_key(ours).is_some(), "{ours} is no key");
        }
        for (theirs, advice) in NEEDLESS {
            assert!(find_key(theirs).is_none() && !advice.is_empty(), "{theirs}");
        }
    }

    #[test]
    fn kohyas_names_are_known() {
        assert_eq!(foreign_name_hint("output_name").as_deref(), Some("write 'run_name'"));
        assert_eq!(foreign_name_hint("train_batch_size").as_deref(), Some("write 'batch_size'"));
        assert!(foreign_name_hint("enable_bucket").unwrap().starts_with("remove it"));
        assert_eq!(foreign_name_hint("lora_rnk"), None);
    }
}

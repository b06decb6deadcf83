//! What is refused, and in which words.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn problem(path: &Path) -> String {
    StableDiffusion::open(path).unwrap_err().to_string()
}

/// The message for a checkpoint whose tensors have been changed.
fn changed(change: impl FnOnce(&mut Vec<Tensor>)) -> String {
    let mut tensors = tiny().checkpoint();
    change(&mut tensors);
    let (_folder, path) = checkpoint(&tensors);
    let problem = problem(&path);
    assert!(problem.contains("tiny.safetensors"), "{problem}");
    problem
}

#[test]
fn other_architectures_are_refused_by_their_names() {
    for (name, expected) in [
        ("conditioner.embedders.1.model.ln_final.weight", "Stable Diffusion XL"),
        ("model.diffusion_model.joint_blocks.0.x_block.attn.qkv.weight", "Stable Diffusion 3"),
        ("model.diffusion_model.double_blocks.0.img_attn.qkv.weight", "FLUX"),
        ("double_blocks.0.img_attn.qkv.weight", "FLUX"),
        ("clip_txt_mapper.weight", "Stable Cascade"),
        ("adaln_single.linear.weight", "PixArt"),
        ("lora_unet_mid_block_attentions_0_proj_in.lora_down.weight", "a LoRA adapter, not a base model"),
        ("unet.mid_block.attentions.0.proj_in.lora_A.weight", "a LoRA adapter, not a base model"),
        ("control_model.input_blocks.0.0.weight", "a ControlNet"),
    ] {
        let problem = changed(|tensors| tensors.push(tensor(name, &[0.0], &[1])));
        assert!(problem.contains(expected), "{problem}");
    }
    for (name, expected) in [
        ("first_stage_model.encoder.conv_in.weight", "a VAE without UNet"),
        ("decoder.up.0.block.0.norm1.weight", "a VAE without UNet"),
        ("down_blocks.0.resnets.0.norm1.weight", "a UNet alone"),
        ("text_model.final_layer_norm.weight", "a text encoder alone"),
        ("model.layers.0.input_layernorm.weight", "a language model's weight file"),
        ("something", "no tensor's name begins with 'model.diffusion_model.'"),
    ] {
        let problem = changed(|tensors| *tensors = vec![tensor(name, &[0.0], &[1])]);
        assert!(problem.contains(expected), "{problem}");
    }
    assert!(changed(Vec::clear).contains("it holds no tensors"));
}

#[test]
fn a_checkpoint_with_a_part_missing_or_changed_is_refused_by_name() {
    let without = |prefix: &'static str| changed(move |tensors| tensors.retain(|t| !t.0.starts_with(prefix)));
    assert!(without("first_stage_model.").contains("it holds no VAE"));
    assert!(without("cond_stage_model.").contains("it holds no text encoder"));
    let missing = without("model.diffusion_model.middle_block.2.out_layers.3.bias");
    assert!(missing.contains("'mid_block.resnets.1.conv2.bias' is missing"), "{missing}");
    assert!(missing.contains("model.diffusion_model.middle_block.2.out_layers.3.bias"), "{missing}");
    for (name, shape) in [
        ("model.diffusion_model.input_blocks.1.2.extra.weight", "[1]"),
        ("first_stage_model.encoder.mid.attn_2.q.weight", "[1]"),
        ("cond_stage_model.transformer.vision_model.weight", "[1]"),
        ("cond_stage_model.transformer.text_model.encoder.layers.7.mlp.fc1.weight", "[1]"),
    ] {
        let problem = changed(|tensors| tensors.push(tensor(name, &[0.0], &[1])));
        assert!(problem.contains(name) && problem.contains("belongs to no layer"), "{problem} {shape}");
    }
    let resized = changed(|tensors| {
        let name = "first_stage_model.decoder.conv_out.bias";
        let found = tensors.iter_mut().find(|tensor| tensor.0 == name).unwrap();
        *found = tensor(name, &[0.0; 4], &[4]);
    });
    assert!(resized.contains("has the shape [4] instead of [3]"), "{resized}");
}

#[test]
fn models_with_further_inputs_are_refused() {
    for (channels, expected) in [(9, "an inpainting model"), (8, "a model with a picture as further input")] {
        let problem = changed(|tensors| {
            let name = "model.diffusion_model.input_blocks.0.0.weight";
            let found = tensors.iter_mut().find(|tensor| tensor.0 == name).unwrap();
            *found = tensor(name, &vec![0.0; 32 * channels * 9], &[32, channels, 3, 3]);
        });
        assert!(problem.contains(expected), "{problem}");
    }
}

#[test]
fn another_noise_schedule_is_refused() {
    let problem = changed(|tensors| tensors.push(tensor("alphas_cumprod", &[0.5; 1000], &[1000])));
    assert!(problem.contains("'alphas_cumprod'"), "{problem}");
    let problem = changed(|tensors| tensors.push(tensor("ztsnr", &[0.0], &[1])));
    assert!(problem.contains("'ztsnr'"), "{problem}");
    let problem = changed(|tensors| tensors.push(tensor("scale_factor", &[0.13025], &[])));
    assert!(problem.contains("'scale_factor' is 0.13025"), "{problem}");
}

#[test]
fn files_that_are_something_else_are_named() {
    let (folder, path) = checkpoint(&tiny().checkpoint());
    let whole = std::fs::read(&path).unwrap();
    let as_file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        problem(&path)
    };
    assert!(as_file("a.ckpt", b"").contains("safe_serialization=True"));
    let pickle = as_file("b.safetensors", b"PK\x03\x04 and so on");
    assert!(pickle.contains("a pickle under the name of a safetensors file"), "{pickle}");
    assert!(as_file("c.safetensors", b"\x80\x02}q\x00and so on").contains("a pickle under the name"));
    assert!(
        as_file("d.safetensors", b"version https://git-lfs.github.com/spec/v1\n").contains("git lfs pull")
    );
    assert!(as_file("e.safetensors", b"<!DOCTYPE html>").contains("a web page"));
    assert!(as_file("f.safetensors", b"").contains("the file is empty"));
    let truncated = as_file("g.safetensors", &whole[..whole.len() - 10]);
    let sizes = format!("describes {} bytes, {} are there", whole.len(), whole.len() - 10);
    assert!(truncated.contains("the file is truncated") && truncated.contains(&sizes), "{truncated}");
    assert!(as_file("h.safetensors", &whole[..100]).contains("the file is truncated: its header is"));
    assert!(problem(&folder.path().join("absent.safetensors")).contains("absent.safetensors"));
}

#[test]
fn a_folder_that_is_not_whole_is_refused_with_the_fix() {
    let folder = diffusers(&tiny());
    let path = folder.path();
    let unet = path.join(part_file(Component::Unet));
    let away = path.join("away");
    std::fs::rename(&unet, &away).unwrap();
    assert!(problem(path).contains("there is no weight file (diffusion_pytorch_model.safetensors"));
    let pickle = path.join("unet/diffusion_pytorch_model.bin");
    std::fs::write(&pickle, "").unwrap();
    assert!(problem(path).contains("its only weight file is the pickle diffusion_pytorch_model.bin"));
    let index = path.join("unet/diffusion_pytorch_model.safetensors.index.json");
    std::fs::write(&index, "{}").unwrap();
    assert!(problem(path).contains("split over several files"));
    std::fs::rename(&away, &unet).unwrap();
    assert!(StableDiffusion::open(path).is_ok());
    let mut weights = tiny().weights(Component::Unet);
    weights.push(tensor("add_embedding.linear_1.weight", &[0.0], &[1]));
    write(&unet, &weights);
    assert!(problem(path).contains("'add_embedding.linear_1.weight' is in the file but belongs to no layer"));
    std::fs::remove_file(path.join("vae/config.json")).unwrap();
    assert!(problem(path).contains("vae/config.json: the file is missing"));
    std::fs::remove_file(path.join("model_index.json")).unwrap();
    assert!(problem(path).contains("no model_index.json"));
}

/// Changes one setting of a whole folder after the other; each must be refused in its words.
fn assert_refused<const N: usize>(cases: [(&str, &str, Value, &str); N]) {
    let folder = diffusers(&tiny());
    for (file, key, value, expected) in cases {
        let before = std::fs::read(folder.path().join(file)).unwrap();
        edit(folder.path(), file, |config| config[key] = value.clone());
        let problem = problem(folder.path());
        assert!(problem.contains(expected), "{key} {value}: {problem}");
        std::fs::write(folder.path().join(file), before).unwrap();
    }
    assert!(StableDiffusion::open(folder.path()).is_ok());
}

#[test]
fn settings_of_the_unet_that_change_the_result_are_refused_by_name() {
    let unet = "unet/config.json";
    assert_refused([
        (unet, "class_embed_type", json!("timestep"), "'class_embed_type'"),
        (unet, "addition_embed_type", json!("text_time"), "'addition_embed_type'"),
        (unet, "time_cond_proj_dim", json!(256), "'time_cond_proj_dim'"),
        (unet, "only_cross_attention", json!(true), "'only_cross_attention'"),
        (unet, "only_cross_attention", json!([true, false]), "'only_cross_attention'"),
        (unet, "mid_block_type", json!("UNetMidBlock2D"), "'mid_block_type'"),
        (unet, "mid_block_type", json!(null), "'mid_block_type'"),
        (unet, "act_fn", json!("gelu"), "'act_fn' is \"gelu\""),
        (unet, "downsample_padding", json!(0), "'downsample_padding' is 0"),
        (unet, "resnet_time_scale_shift", json!("scale_shift"), "'resnet_time_scale_shift'"),
        (unet, "dual_cross_attention", json!(true), "'dual_cross_attention'"),
        (unet, "conv_in_kernel", json!(1), "'conv_in_kernel'"),
        (unet, "encoder_hid_dim", json!(768), "'encoder_hid_dim'"),
        (unet, "num_attention_heads", json!(8), "'num_attention_heads'"),
        (unet, "attention_head_dim", json!(5), "cannot be split over 5 attention heads"),
        (unet, "attention_head_dim", json!([8, 8, 8]), "a list of 2 entries"),
        (unet, "norm_num_groups", json!(24), "cannot be split into 24 groups"),
        (unet, "norm_num_groups", json!(null), "'norm_num_groups' is null"),
        (unet, "layers_per_block", json!("two"), "'layers_per_block' is \"two\""),
        (unet, "layers_per_block", json!([1, 2]), "differs between the resolutions"),
        (unet, "flip_sin_to_cos", json!(1), "'flip_sin_to_cos' is 1, which is not true or false"),
        (unet, "in_channels", json!(9), "an inpainting model"),
        (unet, "down_block_types", json!(["DownBlock2D", "AttnDownBlock2D"]), "'AttnDownBlock2D'"),
        (unet, "up_block_types", json!(["UpBlock2D"]), "names 1 blocks for the 2 entries"),
        (unet, "cross_attention_dim", json!(32), "its text encoder gives 64"),
        (unet, "dropout", json!(0.1), "'dropout'"),
        (unet, "something_new", json!(7), "'something_new' (7) is not known here"),
    ]);
}

#[test]
fn settings_of_the_other_parts_that_change_the_result_are_refused_by_name() {
    let vae = "vae/config.json";
    let text = "text_encoder/config.json";
    let scheduler = "scheduler/scheduler_config.json";
    let index = "model_index.json";
    assert_refused([
        (index, "_class_name", json!("StableDiffusionXLPipeline"), "Stable Diffusion XL"),
        (index, "_class_name", json!("StableDiffusionInpaintPipeline"), "an inpainting model"),
        (index, "_class_name", json!("FluxPipeline"), "FLUX"),
        (index, "_class_name", json!("OtherPipeline"), "another kind of model ('OtherPipeline')"),
        (index, "_class_name", json!(3), "'_class_name' is missing or not usable"),
        (
            index,
            "text_encoder_2",
            json!(["transformers", "CLIPTextModelWithProjection"]),
            "Stable Diffusion XL",
        ),
        (index, "text_encoder", json!(["alt", "RobertaSeriesModel"]), "class \"RobertaSeriesModel\""),
        (vae, "shift_factor", json!(0.1), "'shift_factor'"),
        (vae, "latents_mean", json!([0.0]), "'latents_mean'"),
        (vae, "scaling_factor", json!("large"), "'scaling_factor' is \"large\""),
        (vae, "latent_channels", json!(16), "its VAE gives latents of 16"),
        (vae, "in_channels", json!(1), "pictures have 3"),
        (
            vae,
            "down_block_types",
            json!(["AttnDownEncoderBlock2D", "DownEncoderBlock2D"]),
            "'down_block_types'",
        ),
        (vae, "norm_type", json!("spatial"), "'norm_type'"),
        (text, "hidden_act", json!("relu"), "'hidden_act' is \"relu\""),
        (text, "model_type", json!("t5"), "model_type 't5'"),
        (text, "attention_dropout", json!(0.1), "'attention_dropout'"),
        (text, "use_attention_mask", json!(true), "'use_attention_mask'"),
        (text, "num_attention_heads", json!(5), "cannot be split over 5 attention heads"),
        (text, "vocab_size", json!(41), "has the shape [40, 64] instead of [41, 64]"),
        (scheduler, "trained_betas", json!([0.1]), "'trained_betas'"),
        (scheduler, "rescale_betas_zero_snr", json!(true), "'rescale_betas_zero_snr'"),
        (scheduler, "thresholding", json!(true), "'thresholding'"),
        (scheduler, "clip_sample", json!(true), "'clip_sample' is true"),
        (scheduler, "beta_schedule", json!("squaredcos_cap_v2"), "'beta_schedule'"),
        (scheduler, "prediction_type", json!("sample"), "'prediction_type'"),
        (scheduler, "timestep_spacing", json!("trailing"), "'timestep_spacing'"),
        (scheduler, "_class_name", json!("FlowMatchEulerDiscreteScheduler"), "another kind of model"),
        (scheduler, "beta_end", json!(2.0), "is not possible"),
        (scheduler, "steps_offset", json!(-1), "'steps_offset' is -1"),
    ]);
}

#[test]
fn settings_that_are_off_or_of_no_effect_are_taken() {
    let folder = diffusers(&tiny());
    for (file, key, value) in [
        ("unet/config.json", "class_embed_type", json!(null)),
        ("unet/config.json", "only_cross_attention", json!([false, false])),
        ("unet/config.json", "attention_head_dim", json!([8, 8])),
        ("unet/config.json", "dropout", json!(0)),
        ("unet/config.json", "something_new", json!(null)),
        ("unet/config.json", "something_newer", json!(false)),
        ("vae/config.json", "force_upcast", json!(true)),
        ("vae/config.json", "shift_factor", json!(null)),
        ("text_encoder/config.json", "use_cache", json!(true)),
        ("scheduler/scheduler_config.json", "solver_order", json!(2)),
        ("scheduler/scheduler_config.json", "timestep_spacing", json!("linspace")),
        ("model_index.json", "requires_safety_checker", json!(true)),
        ("model_index.json", "image_encoder", json!([null, null])),
    ] {
        edit(folder.path(), file, |config| config[key] = value);
    }
    let model = StableDiffusion::open(folder.path()).unwrap();
    assert_eq!(model.unet(), &tiny().unet);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn a_damaged_header_never_panics(at in 8usize..60_000, byte: u8) {
        static WHOLE: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| {
            let (_folder, path) = checkpoint(&tiny().checkpoint());
            std::fs::read(path).unwrap()
        });
        let mut bytes = WHOLE.clone();
        let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        bytes[8 + at % header] = byte;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("damaged.safetensors");
        std::fs::write(&path, bytes).unwrap();
        if let Ok(model) = StableDiffusion::open(&path) {
            for component in COMPONENTS {
                for (name, _) in model.expected_weights(component) {
                    prop_assert!(model.weight(component, &name).is_ok());
                }
            }
        }
    }
}

//! Both layouts, and the variants of each that are found in the wild.

use half::{bf16, f16};

use super::*;
use crate::base_model::WeightData;
use crate::safetensors::DataType;

fn bytes(model: &StableDiffusion, component: Component, name: &str) -> Vec<u8> {
    match model.weight(component, name).unwrap().data {
        WeightData::Stored(bytes) => bytes.to_vec(),
        WeightData::Expanded(_) => panic!("{name} was copied"),
    }
}

/// The model holds exactly these weights.
fn assert_holds(model: &StableDiffusion, tiny: &Tiny) {
    for component in COMPONENTS {
        let weights = tiny.weights(component);
        let expected: Vec<_> = weights.iter().map(|tensor| (tensor.0.clone(), tensor.2.clone())).collect();
        assert_eq!(model.expected_weights(component), expected);
        for (name, dtype, shape, data) in weights {
            let view = model.weight(component, &name).unwrap();
            assert_eq!((view.dtype, &view.shape), (dtype, &shape), "{name}");
            assert!(bytes(model, component, &name) == data, "{name} has other bytes");
        }
    }
}

fn noise_option() -> OpenOptions {
    OpenOptions { prediction_type: Some(PredictionType::Epsilon), ..OpenOptions::default() }
}

#[test]
fn both_layouts_give_the_same_configuration_and_the_same_bytes() {
    for tiny in [tiny(), tiny_2()] {
        let folder = diffusers(&tiny);
        let (_file_folder, path) = checkpoint(&tiny.checkpoint());
        let from_folder = StableDiffusion::open(folder.path()).unwrap();
        let from_file = StableDiffusion::open_with(&path, noise_option()).unwrap();
        for model in [&from_folder, &from_file] {
            assert_eq!(model.unet(), &tiny.unet);
            assert_eq!(model.vae(), &tiny.vae);
            assert_eq!(model.text_encoder(), &tiny.text);
            assert_holds(model, &tiny);
        }
        assert_eq!(from_folder.scheduler(), from_file.scheduler());
        assert_eq!(from_folder.version(), from_file.version());
        assert_eq!((from_folder.kind().name(), from_file.kind().name()), ("diffusers", "checkpoint"));
        assert_eq!(from_file.name(), "tiny.safetensors");
    }
}

#[test]
fn the_text_encoder_of_a_checkpoint_may_go_without_its_name() {
    let mut tensors = tiny().checkpoint();
    for tensor in &mut tensors {
        tensor.0 = tensor.0.replace("transformer.text_model.", "transformer.");
    }
    tensors.push(tensor("cond_stage_model.transformer.embeddings.position_ids", &[0.0], &[1]));
    let (_folder, path) = checkpoint(&tensors);
    assert_holds(&StableDiffusion::open(&path).unwrap(), &tiny());
}

#[test]
fn tensors_that_change_nothing_may_be_there() {
    let mut tensors = tiny().checkpoint();
    for name in [
        "cond_stage_model.transformer.text_model.embeddings.position_ids",
        "first_stage_model.loss.logvar",
        "model_ema.decay",
        "betas",
        "logvar",
    ] {
        tensors.push(tensor(name, &[0.0], &[1]));
    }
    let alphas: Vec<f32> = from_shapes::scheduler(PredictionType::Epsilon)
        .alphas_cumprod()
        .iter()
        .map(|alpha| *alpha as f32)
        .collect();
    // Stable Diffusion's own values: ᾱ after the first and the last level.
    assert!((alphas[0] - 0.999_15).abs() < 1e-6 && (alphas[999] - 0.004_660).abs() < 1e-6);
    tensors.push(tensor("alphas_cumprod", &alphas, &[1000]));
    let (_folder, path) = checkpoint(&tensors);
    assert_holds(&StableDiffusion::open(&path).unwrap(), &tiny());
}

#[test]
fn half_precision_is_read_as_it_stands() {
    for dtype in [DataType::F16, DataType::BF16] {
        let round = |value: f32| match dtype {
            DataType::F16 => (f16::from_f32(value).to_le_bytes(), f16::from_f32(value).to_f32()),
            _ => (bf16::from_f32(value).to_le_bytes(), bf16::from_f32(value).to_f32()),
        };
        let single = |bytes: &[u8]| -> Vec<f32> {
            bytes.chunks(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
        };
        let mut tensors = tiny().checkpoint();
        for tensor in &mut tensors {
            tensor.3 = single(&tensor.3).into_iter().flat_map(|value| round(value).0).collect();
            tensor.1 = dtype;
        }
        let (_folder, path) = checkpoint(&tensors);
        let model = StableDiffusion::open(&path).unwrap();
        for (name, _, _, data) in tiny().weights(Component::Vae) {
            let view = model.weight(Component::Vae, &name).unwrap();
            assert_eq!(view.dtype, dtype);
            let expected: Vec<f32> = single(&data).into_iter().map(|value| round(value).1).collect();
            assert_eq!(view.to_f32(), expected, "{name}");
        }
    }
}

#[test]
fn the_moving_average_is_taken_only_where_it_is_asked_for() {
    let mut tensors = tiny().checkpoint();
    let name = "model.diffusion_model.input_blocks.1.0.in_layers.2.weight";
    let plain: Vec<Tensor> =
        tensors.iter().filter(|tensor| tensor.0.starts_with("model.")).cloned().collect();
    for mut average in plain {
        average.0 = format!("model_ema.{}", average.0["model.".len()..].replace('.', ""));
        average.3.fill(1);
        tensors.push(average);
    }
    assert!(tensors.iter().any(|t| t.0 == "model_ema.diffusion_modelinput_blocks10in_layers2weight"));
    let (_folder, path) = checkpoint(&tensors);
    let own = tensors.iter().find(|tensor| tensor.0 == name).unwrap().3.clone();
    let conv = "down_blocks.0.resnets.0.conv1.weight";
    let model = StableDiffusion::open(&path).unwrap();
    assert_eq!(bytes(&model, Component::Unet, conv), own);
    let averaged = StableDiffusion::open_with(&path, OpenOptions { use_ema: true, ..OpenOptions::default() });
    let averaged = averaged.unwrap();
    assert_eq!(bytes(&averaged, Component::Unet, conv), vec![1; own.len()]);
    assert_eq!(
        bytes(&averaged, Component::Vae, "quant_conv.weight"),
        bytes(&model, Component::Vae, "quant_conv.weight")
    );
}

#[test]
fn folders_of_other_versions_of_the_libraries_are_read() {
    let tiny = tiny();
    let folder = diffusers(&tiny);
    let mut vae = tiny.weights(Component::Vae);
    for tensor in &mut vae {
        for (new, old) in [("to_q", "query"), ("to_k", "key"), ("to_v", "value"), ("to_out.0", "proj_attn")] {
            tensor.0 = tensor.0.replace(&format!("attentions.0.{new}"), &format!("attentions.0.{old}"));
        }
    }
    assert!(vae.iter().any(|tensor| tensor.0 == "encoder.mid_block.attentions.0.proj_attn.bias"));
    write(&folder.path().join(part_file(Component::Vae)), &vae);
    let mut text = tiny.weights(Component::TextEncoder);
    for tensor in &mut text {
        tensor.0 = tensor.0.replace("text_model.", "");
    }
    text.push(tensor("embeddings.position_ids", &[0.0], &[1]));
    write(&folder.path().join(part_file(Component::TextEncoder)), &text);
    let unet = folder.path().join(part_file(Component::Unet));
    std::fs::rename(&unet, unet.with_file_name("diffusion_pytorch_model.fp16.safetensors")).unwrap();
    let model = StableDiffusion::open(folder.path()).unwrap();
    assert_holds(&model, &tiny);
    assert!(model.weight_files().any(|path| path.ends_with("diffusion_pytorch_model.fp16.safetensors")));
}

#[test]
fn the_settings_of_stable_diffusion_2_are_read() {
    let folder = diffusers(&tiny_2());
    edit(folder.path(), "scheduler/scheduler_config.json", |config| {
        config["prediction_type"] = "v_prediction".into();
        config["_class_name"] = "DDIMScheduler".into();
    });
    edit(folder.path(), "unet/config.json", |config| config["upcast_attention"] = true.into());
    let model = StableDiffusion::open(folder.path()).unwrap();
    assert_eq!(model.scheduler().prediction_type, PredictionType::VPrediction);
    assert!(model.upcast_attention());
    assert_eq!(model.version(), StableDiffusionVersion::Two);
}

#[test]
fn a_checkpoint_is_believed_about_what_it_predicts() {
    let open = |tensors: &[Tensor], given: Option<PredictionType>| {
        let (_folder, path) = checkpoint(tensors);
        let options = OpenOptions { prediction_type: given, ..OpenOptions::default() };
        StableDiffusion::open_with(&path, options).map(|model| model.scheduler().prediction_type)
    };
    let mut tensors = tiny().checkpoint();
    assert_eq!(open(&tensors, None).unwrap(), PredictionType::Epsilon);
    assert_eq!(open(&tensors, Some(PredictionType::VPrediction)).unwrap(), PredictionType::VPrediction);
    tensors.push(tensor("v_pred", &[0.0], &[1]));
    assert_eq!(open(&tensors, None).unwrap(), PredictionType::VPrediction);
    let problem = open(&tensors, Some(PredictionType::Epsilon)).unwrap_err().to_string();
    assert!(problem.contains("says itself that it predicts the velocity"), "{problem}");
    let problem = open(&tiny_2().checkpoint(), None).unwrap_err().to_string();
    assert!(problem.contains("does not say whether it predicts noise"), "{problem}");
}

#[test]
fn choices_that_a_folder_cannot_follow_are_refused() {
    let folder = diffusers(&tiny());
    let problem = |options| StableDiffusion::open_with(folder.path(), options).unwrap_err().to_string();
    assert!(problem(OpenOptions { use_ema: true, ..OpenOptions::default() }).contains("no moving average"));
    let velocity = Some(PredictionType::VPrediction);
    let contradiction = problem(OpenOptions { prediction_type: velocity, ..OpenOptions::default() });
    assert!(contradiction.contains("scheduler_config.json: its 'prediction_type'"), "{contradiction}");
    assert!(StableDiffusion::open_with(folder.path(), noise_option()).is_ok());
}

#[test]
fn hashes_are_of_the_files() {
    let (_folder, path) = checkpoint(&tiny().checkpoint());
    let model = StableDiffusion::open(&path).unwrap();
    let file = std::fs::read(&path).unwrap();
    assert_eq!(model.size(), file.len() as u64);
    assert_eq!(model.full_hash(), crate::mapped::sha256_hex([file.as_slice()]));
    assert!(file.len() > 0x11_0000, "the tiny model is long enough for the short hash");
    let short = crate::mapped::sha256_hex([&file[0x10_0000..0x11_0000]]);
    assert_eq!(model.model_hash().unwrap(), short[..8]);
    let folder = diffusers(&tiny());
    let from_folder = StableDiffusion::open(folder.path()).unwrap();
    assert_eq!(from_folder.model_hash(), None);
    assert_ne!(from_folder.header_hash(), model.header_hash());
    assert_eq!(from_folder.header_hash(), StableDiffusion::open(folder.path()).unwrap().header_hash());
}

#[test]
fn the_tokenizer_must_fit_the_text_encoder() {
    let mut tiny = tiny();
    let (_folder, path) = checkpoint(&tiny.checkpoint());
    let problem = StableDiffusion::open(&path).unwrap().tokenizer().unwrap_err().to_string();
    assert!(problem.contains("it gives ids up to 49407, the text encoder knows 40 tokens"), "{problem}");
    tiny.text.vocab_size = 49_408;
    let (_folder, path) = checkpoint(&tiny.checkpoint());
    let tokenizer = StableDiffusion::open(&path).unwrap().tokenizer().unwrap();
    assert_eq!((tokenizer.context(), tokenizer.pad_id()), (16, 49_407));
    let folder = diffusers(&tiny);
    let problem = StableDiffusion::open(folder.path()).unwrap().tokenizer().unwrap_err().to_string();
    assert!(problem.contains("neither vocab.json"), "{problem}");
}

#[test]
fn a_path_tells_whether_it_may_be_an_image_base() {
    let folder = diffusers(&tiny());
    let (file_folder, path) = checkpoint(&[]);
    assert!(looks_like_stable_diffusion(folder.path()));
    assert!(looks_like_stable_diffusion(&path));
    assert!(!looks_like_stable_diffusion(file_folder.path()));
    assert!(!looks_like_stable_diffusion(&folder.path().join("unet/config.json")));
    assert!(!looks_like_stable_diffusion(&folder.path().join("absent.safetensors")));
}

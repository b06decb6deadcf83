use std::collections::HashSet;

use proptest::prelude::*;

use super::*;
use crate::base_model::stable_diffusion::testing::{sd1_text_encoder, sd1_unet};

fn sites() -> Vec<Site> {
    adapter_sites(&sd1_unet(), &sd1_text_encoder())
}

fn resolve(text: &str) -> Vec<Site> {
    let sites = sites();
    let places = Targets::from_text(text).unwrap().resolve(&sites).unwrap();
    places.into_iter().map(|place| sites[place].clone()).collect()
}

fn of_unet(sites: &[Site]) -> Vec<&Site> {
    sites.iter().filter(|site| site.part == Part::Unet).collect()
}

#[test]
fn kohyas_default_set_has_264_modules_and_792_tensors() {
    let kohya = resolve("kohya");
    assert_eq!((kohya.len(), of_unet(&kohya).len()), (264, 192));
    let keys: HashSet<String> = kohya
        .iter()
        .flat_map(|site| [Role::Down, Role::Up, Role::Alpha].map(|role| site.kohya_key(role)))
        .collect();
    assert_eq!(keys.len(), 792);
    for known in [
        "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q.lora_down.weight",
        "lora_unet_mid_block_attentions_0_proj_in.alpha",
        "lora_unet_up_blocks_3_attentions_2_transformer_blocks_0_attn2_to_out_0.lora_up.weight",
        "lora_unet_up_blocks_1_attentions_0_transformer_blocks_0_ff_net_0_proj.lora_up.weight",
        "lora_unet_down_blocks_2_attentions_1_transformer_blocks_0_ff_net_2.lora_down.weight",
        "lora_te_text_model_encoder_layers_11_mlp_fc1.lora_down.weight",
        "lora_te_text_model_encoder_layers_0_self_attn_out_proj.alpha",
    ] {
        assert!(keys.contains(known), "{known}");
    }
}

#[test]
fn attention_at_rank_4_has_797184_parameters() {
    let attention = resolve("attention");
    let unet = of_unet(&attention);
    assert_eq!(unet.len(), 128);
    assert_eq!(unet.iter().map(|site| site.parameters(4)).sum::<u64>(), 797_184);
    assert_eq!(attention.len() - unet.len(), 48);
}

#[test]
fn the_other_sets_hold_what_their_names_say() {
    let character = resolve("character");
    assert_eq!(of_unet(&character).len(), 64);
    assert!(of_unet(&character).iter().all(|s| s.path.ends_with("to_q") || s.path.ends_with("to_v")));
    assert_eq!(resolve("qkv").len(), 16 * 6 + 36);
    // sd-scripts' further set: 22 residual blocks with 2 convolutions and a time projection each, 14 shortcuts, 6 samplers.
    assert_eq!(resolve("kohya-conv").len(), 264 + 22 * 3 + 14 + 6);
    let linear = resolve("all-linear");
    assert!(linear.iter().all(|site| site.kind == SiteKind::Linear && site.kernel == 1));
    assert_eq!(of_unet(&linear).len(), 16 * 10 + 22 + 2);
    assert_eq!(resolve("to_q,to_v"), of_unet(&character).into_iter().cloned().collect::<Vec<_>>());
    assert_eq!(resolve("mid_block.attentions.0.proj_in").len(), 1);
    assert_eq!(resolve(r"down_blocks\.0\..*attn2\.to_[kv]").len(), 4);
}

#[test]
fn a_target_that_means_nothing_is_refused_with_the_names_that_would() {
    let sites = sites();
    let problem = |text: &str| {
        let targets = Targets::from_text(text);
        targets.and_then(|targets| targets.resolve(&sites)).unwrap_err().to_string()
    };
    let lost = problem("to_q,to_w");
    assert!(
        lost.contains("matches 'to_w'") && lost.contains("to_out.0") && lost.contains("q_proj"),
        "{lost}"
    );
    assert!(problem("o_q").contains("matches 'o_q'"));
    assert!(problem("to_(q").contains("unclosed group"));
    assert!(problem("to_[qv]").contains("no layer that can take an adapter"));
}

#[test]
fn shapes_follow_the_layers_kind() {
    let sites = sites();
    let site = |path: &str| sites.iter().find(|site| site.path == path).unwrap();
    let conv = site("down_blocks.0.resnets.0.conv1");
    assert_eq!((conv.down_shape(4), conv.up_shape(4)), (vec![4, 320, 3, 3], vec![320, 4, 1, 1]));
    let projection = site("mid_block.attentions.0.proj_in");
    assert_eq!((projection.kind, projection.down_shape(4)), (SiteKind::Conv, vec![4, 1280, 1, 1]));
    let keys = site("down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k");
    assert_eq!((keys.down_shape(4), keys.up_shape(4)), (vec![4, 768], vec![320, 4]));
    assert_eq!(site("down_blocks.0.downsamplers.0.conv").stride, 2);
}

#[test]
fn every_spelling_leads_back_to_its_site() {
    let sites = sites();
    let index = SiteIndex::new(&sites);
    for (number, site) in sites.iter().enumerate() {
        for role in [Role::Down, Role::Up, Role::Alpha, Role::Magnitude] {
            assert_eq!(index.find(&site.kohya_key(role)), Some((number, role)), "{}", site.path);
            for key in [site.diffusers_key(role), site.peft_key(role)].into_iter().flatten() {
                assert_eq!(index.find(&key), Some((number, role)), "{key}");
            }
        }
    }
}

#[test]
fn other_peoples_spellings_are_read() {
    let sites = sites();
    let index = SiteIndex::new(&sites);
    let found = |key: &str| index.find(key).map(|(number, role)| (sites[number].path.as_str(), role));
    let block = "down_blocks.0.attentions.0.transformer_blocks.0.attn1";
    let (query, out) = (format!("{block}.to_q"), format!("{block}.to_out.0"));
    let layer = "text_model.encoder.layers.0.self_attn.q_proj";
    for (key, path, role) in [
        (format!("unet.{block}.to_q.lora.down.weight"), query.as_str(), Role::Down),
        (format!("unet.{block}.to_out.0.lora.up.weight"), out.as_str(), Role::Up),
        (format!("unet.{block}.processor.to_q_lora.down.weight"), query.as_str(), Role::Down),
        (format!("{block}.processor.to_out_lora.up.weight"), out.as_str(), Role::Up),
        (format!("text_encoder.{layer}.lora_linear_layer.up.weight"), layer, Role::Up),
        ("text_encoder.encoder.layers.0.self_attn.q_proj.lora_A.weight".into(), layer, Role::Down),
        (format!("base_model.model.{layer}.lora_B.default.weight"), layer, Role::Up),
        ("lora_te1_text_model_encoder_layers_0_self_attn_q_proj.alpha".into(), layer, Role::Alpha),
    ] {
        assert_eq!(found(&key), Some((path, role)), "{key}");
    }
    for key in [
        "lora_te2_text_model_encoder_layers_0_self_attn_q_proj.alpha",
        "lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight",
        "unet.down_blocks.9.attentions.0.proj_in.lora_A.weight",
        "text_encoder.mid_block.attentions.0.proj_in.lora_A.weight",
        ".lora_A.weight",
        "",
    ] {
        assert_eq!(found(key), None, "{key}");
    }
}

#[test]
fn the_diffusers_header_says_that_the_scale_is_one() {
    let sites = sites();
    let adapter = |path: &str, rank| HeaderAdapter {
        site: sites.iter().find(|site| site.path == path).unwrap(),
        rank,
        magnitude: false,
    };
    let adapters = [
        adapter("mid_block.attentions.0.proj_out", 8),
        adapter("mid_block.attentions.0.proj_in", 8),
        adapter("conv_in", 4),
        adapter("text_model.encoder.layers.0.mlp.fc1", 2),
    ];
    let header = diffusers_header(&adapters);
    assert_eq!(header["format"], "pt");
    let text = &header["lora_adapter_metadata"];
    assert!(text.starts_with("{\n  \"text_encoder.alpha_pattern\": {},\n"), "{text}");
    let json: serde_json::Value = serde_json::from_str(text).unwrap();
    assert_eq!((&json["unet.r"], &json["unet.lora_alpha"]), (&8.into(), &8.into()));
    let odd = serde_json::json!({"conv_in": 4});
    assert_eq!((&json["unet.rank_pattern"], &json["unet.alpha_pattern"]), (&odd, &odd));
    assert_eq!(json["text_encoder.target_modules"], serde_json::json!(["encoder.layers.0.mlp.fc1"]));
    assert_eq!(json["text_encoder.r"], 2);
    assert_eq!(
        json["unet.target_modules"],
        serde_json::json!(["conv_in", "mid_block.attentions.0.proj_in", "mid_block.attentions.0.proj_out"])
    );
}

#[test]
fn kohyas_metadata_are_texts_as_python_writes_them() {
    use crate::base_model::stable_diffusion::{PredictionType, StableDiffusionVersion};
    let mut facts = KohyaFacts {
        network_dim: Some(8),
        network_alpha: Some(16.0),
        learning_rate: Some(0.0001),
        text_encoder_lr: Some(0.000_05),
        max_grad_norm: Some(1.0),
        gradient_checkpointing: Some(false),
        output_name: Some("charlie_avatar_v2".into()),
        clip_skip: Some(2),
        resolution: Some((512, 512)),
        ..KohyaFacts::default()
    };
    facts.tag_frequency.entry("10_charlie".into()).or_default().insert("charlie".into(), 12);
    facts.dataset_dirs.insert("10_charlie".into(), (10, 12));
    let metadata = facts.metadata();
    for (key, value) in [
        ("ss_v2", "False"),
        ("ss_base_model_version", "sd_v1"),
        ("ss_network_module", "networks.lora"),
        ("ss_network_dim", "8"),
        ("ss_network_alpha", "16.0"),
        ("ss_network_args", "{}"),
        ("ss_learning_rate", "0.0001"),
        ("ss_text_encoder_lr", "5e-05"),
        ("ss_max_grad_norm", "1.0"),
        ("ss_gradient_checkpointing", "False"),
        ("ss_tag_frequency", r#"{"10_charlie":{"charlie":12}}"#),
        ("ss_dataset_dirs", r#"{"10_charlie":{"n_repeats":10,"img_count":12}}"#),
        ("modelspec.sai_model_spec", "1.0.1"),
        ("modelspec.architecture", "stable-diffusion-v1/lora"),
        ("modelspec.title", "charlie_avatar_v2"),
        ("modelspec.resolution", "512x512"),
        ("modelspec.prediction_type", "epsilon"),
        ("modelspec.encoder_layer", "2"),
    ] {
        assert_eq!(metadata.get(key).map(String::as_str), Some(value), "{key}");
    }
    assert!(!metadata.contains_key("ss_seed") && !metadata.contains_key("modelspec.author"));
    facts.version = Some(StableDiffusionVersion::Two);
    facts.prediction_type = Some(PredictionType::VPrediction);
    let metadata = facts.metadata();
    assert_eq!(metadata["ss_v2"], "True");
    assert_eq!(metadata["ss_base_model_version"], "sd_v2_v");
    assert_eq!(metadata["modelspec.architecture"], "stable-diffusion-v2-768-v/lora");
    assert_eq!(metadata["modelspec.prediction_type"], "v");
}

#[test]
fn hashes_are_those_of_the_rules() {
    // sha256 of "abc", and of nothing.
    assert!(sshs_model_hash([b"a".as_slice(), b"bc"]).starts_with("ba7816bf8f01cfea"));
    assert_eq!(sshs_legacy_hash(b"short"), "e3b0c442");
    let mut file = vec![0; 0x10_0000];
    file.extend(b"abc");
    assert_eq!(sshs_legacy_hash(&file), "ba7816bf");
}

proptest! {
    #[test]
    fn no_key_makes_the_reader_panic(key in "(unet|text_encoder|lora_te|lora_unet_)?[._a-z0-9é]{0,40}(lora_A.weight|alpha|_lora.up.weight)?") {
        let sites = sites();
        let _ = SiteIndex::new(&sites[..20]).find(&key);
    }
}

use loradeck_data::base_model::stable_diffusion::{Activation, ClipTextConfig};
use tch::{Device, Kind, Tensor};

use super::ClipText;
use crate::adapters::autograd::Context;
use crate::models::loader::Loader;
use crate::models::testing::{MadeUp, apart, branch, check_gradients};

fn config() -> ClipTextConfig {
    ClipTextConfig {
        vocab_size: 11,
        hidden_size: 8,
        intermediate_size: 12,
        num_hidden_layers: 3,
        num_attention_heads: 2,
        max_position_embeddings: 6,
        hidden_act: Activation::QuickGelu,
        layer_norm_eps: 1e-5,
    }
}

fn load(config: &ClipTextConfig, kind: Kind) -> ClipText {
    let made = MadeUp::for_model(|loader| ClipText::load(config, loader));
    ClipText::load(config, &Loader::new(&made, kind, Device::Cpu)).unwrap()
}

fn ids(last: i64) -> Tensor {
    Tensor::from_slice(&[1_i64, 2, 3, 4, 5, 6, 7, 8, 9, last]).view([2, 5])
}

#[test]
fn a_token_does_not_see_later_ones() {
    let text = load(&config(), Kind::Float);
    let states = |last| text.forward(&ids(last), 1, &Context::default()).unwrap();
    let (one, other) = (states(0), states(10));
    assert_eq!(one.size(), [2, 5, 8]);
    assert!(apart(&one.narrow(1, 0, 4), &other.narrow(1, 0, 4)) < 1e-6);
    assert!(apart(&one.narrow(1, 4, 1), &other.narrow(1, 4, 1)) > 1e-3);
}

#[test]
fn clip_skip_leaves_layers_out_and_keeps_the_last_norm() {
    let text = load(&config(), Kind::Float);
    let shorter = ClipTextConfig { num_hidden_layers: 2, ..config() };
    let made = MadeUp::for_model(|loader| ClipText::load(&config(), loader));
    let two = ClipText::load(&shorter, &Loader::new(&made, Kind::Float, Device::Cpu)).unwrap();
    let states = |text: &ClipText, skip| text.forward(&ids(0), skip, &Context::default()).unwrap();
    assert_eq!(states(&text, 2), states(&two, 1));
    assert_eq!(states(&text, 0), states(&text, 1));
    assert!(apart(&states(&text, 1), &states(&text, 2)) > 1e-3);
}

#[test]
fn what_the_encoder_cannot_do_is_refused_in_words() {
    let text = load(&config(), Kind::Float);
    let error = text.forward(&ids(0), 4, &Context::default()).unwrap_err().to_string();
    assert!(error.contains("clip_skip 4 leaves no layer: the text encoder has 3"), "{error}");
    let long = Tensor::zeros([1, 7], (Kind::Int64, Device::Cpu));
    let error = text.forward(&long, 1, &Context::default()).unwrap_err().to_string();
    assert!(error.contains("7 tokens are too many"), "{error}");
    let made = MadeUp::default();
    let config = ClipTextConfig { num_attention_heads: 3, ..config() };
    let error = ClipText::load(&config, &Loader::new(&made, Kind::Float, Device::Cpu)).unwrap_err();
    assert!(error.to_string().contains("hidden_size 8 cannot be shared between 3"), "{error}");
}

#[test]
fn branches_on_all_layers_have_right_gradients() {
    for hidden_act in [Activation::QuickGelu, Activation::Gelu] {
        let mut text = load(&ClipTextConfig { hidden_act, ..config() }, Kind::Double);
        let (mut names, mut leaves) = (Vec::new(), Vec::new());
        text.visit(&mut |name, mut layer| {
            let branch = branch(&layer, 100 + names.len() as u32, Kind::Double);
            leaves.extend([branch.a.shallow_clone(), branch.b.shallow_clone()]);
            layer.attach(branch).unwrap();
            names.push(name.to_owned());
        });
        assert_eq!(names.len(), 18);
        assert_eq!(names[3], "text_model.encoder.layers.0.self_attn.out_proj");
        assert_eq!(names[17], "text_model.encoder.layers.2.mlp.fc2");
        let weights = crate::models::testing::random(&[2, 5, 8], 60, Kind::Double);
        check_gradients(&leaves, || {
            (text.forward(&ids(0), 1, &Context::default()).unwrap() * &weights).sum(None)
        });
    }
}

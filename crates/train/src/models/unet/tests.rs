use loradeck_data::base_model::stable_diffusion::UnetConfig;
use tch::{Device, Kind, Tensor};

use super::Unet;
use crate::adapters::autograd::{Context, LayerMut, SlotKind};
use crate::models::loader::{LoadError, Loader};
use crate::models::testing::{MadeUp, apart, branch, check_gradients, random};

fn config() -> UnetConfig {
    UnetConfig {
        in_channels: 4,
        out_channels: 3,
        block_out_channels: vec![8, 16],
        down_attention: vec![true, false],
        up_attention: vec![false, true],
        layers_per_block: 1,
        attention_heads: vec![2, 4],
        transformer_layers: 1,
        cross_attention_dim: 6,
        norm_num_groups: 4,
        norm_eps: 1e-5,
        use_linear_projection: false,
        flip_sin_to_cos: true,
        freq_shift: 0.0,
    }
}

fn load(config: &UnetConfig, kind: Kind) -> Unet {
    let made = MadeUp::for_model(|loader| Unet::load(config, loader));
    let loader = Loader::new(&made, kind, Device::Cpu);
    let unet = Unet::load(config, &loader).unwrap();
    assert_eq!(loader.used().iter().collect::<Vec<_>>(), {
        let mut names: Vec<_> = made.names().collect();
        names.sort();
        names
    });
    unet
}

struct Given {
    latents: Tensor,
    timesteps: Tensor,
    states: Tensor,
}

fn given(kind: Kind) -> Given {
    Given {
        latents: random(&[2, 4, 6, 5], 50, kind),
        timesteps: Tensor::from_slice(&[999_i64, 3]),
        states: random(&[2, 7, 6], 51, kind),
    }
}

fn forward(unet: &Unet, given: &Given, context: &Context) -> Tensor {
    unet.forward(&given.latents, &given.timesteps, &given.states, context).unwrap()
}

fn names(unet: &mut Unet) -> Vec<String> {
    let mut names = Vec::new();
    unet.visit(&mut |name, _| names.push(name.to_owned()));
    names
}

#[test]
fn sizes_that_are_odd_on_the_way_down_come_back() {
    let output = forward(&load(&config(), Kind::Float), &given(Kind::Float), &Context::default());
    assert_eq!(output.size(), [2, 3, 6, 5]);
}

#[test]
fn layers_come_in_the_order_of_the_forward_pass() {
    let names = names(&mut load(&config(), Kind::Float));
    let expected = "down_blocks.0.resnets.0.conv1 down_blocks.0.resnets.0.time_emb_proj \
        down_blocks.0.resnets.0.conv2 down_blocks.0.attentions.0.proj_in";
    assert_eq!(names[..4].join(" "), expected);
    let attention = "to_q to_k to_v to_out.0";
    for (number, part) in attention.split(' ').enumerate() {
        assert_eq!(
            names[4 + number],
            format!("down_blocks.0.attentions.0.transformer_blocks.0.attn1.{part}")
        );
    }
    assert_eq!(names.last().unwrap(), "up_blocks.1.attentions.1.proj_out");
    let mut once = names.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), names.len());
}

/// kohya's default set of Stable Diffusion 1.5 is 192 modules; this configuration has the same blocks, but narrow.
#[test]
fn stable_diffusion_1_has_192_layers_in_its_transformers() {
    let narrow = UnetConfig {
        block_out_channels: vec![4; 4],
        down_attention: vec![true, true, true, false],
        up_attention: vec![false, true, true, true],
        layers_per_block: 2,
        attention_heads: vec![2; 4],
        ..config()
    };
    let made = MadeUp::for_model(|loader| Unet::load(&narrow, loader));
    let mut unet = Unet::load(&narrow, &Loader::new(&made, Kind::Float, Device::Cpu)).unwrap();
    let names = names(&mut unet);
    let of = |part: &str| names.iter().filter(|name| name.contains(part)).count();
    assert_eq!(of(".attentions."), 192);
    // 22 residual blocks; of the 12 on the way up all have a shortcut, and of these equal widths on the way down none.
    assert_eq!((of("conv1"), of("time_emb_proj"), of("conv2"), of("conv_shortcut")), (22, 22, 22, 12));
    assert_eq!((of("downsamplers.0.conv"), of("upsamplers.0.conv")), (3, 3));
}

#[test]
fn branches_on_every_layer_change_the_output_and_zeros_do_not() {
    let (mut unet, given) = (load(&config(), Kind::Float), given(Kind::Float));
    let base = forward(&unet, &given, &Context::default());
    let mut number = 100;
    let mut attach = |zero: bool| {
        unet.visit(&mut |_, mut layer: LayerMut| {
            number += 1;
            let mut branch = branch(&layer, number, Kind::Float);
            if zero {
                branch.b = branch.b.zeros_like();
            }
            layer.attach(branch).unwrap();
        });
        forward(&unet, &given, &Context::default())
    };
    assert!(apart(&attach(true), &base) < 1e-6);
    assert!(apart(&attach(false), &base) > 0.1);
    assert_eq!(forward(&unet, &given, &Context::base()), base);
}

#[test]
fn gradients_of_branches_agree_with_differences() {
    let (mut unet, given) = (load(&config(), Kind::Double), given(Kind::Double));
    let wanted = ["down_blocks.0.resnets.0.time_emb_proj", "mid_block.attentions.0.proj_in"];
    let endings = ["attn2.to_k", "downsamplers.0.conv", "up_blocks.1.resnets.1.conv_shortcut", "ff.net.2"];
    let mut leaves = Vec::new();
    unet.visit(&mut |name, mut layer| {
        if wanted.contains(&name) || endings.iter().any(|ending| name.ends_with(ending)) {
            let branch = branch(&layer, 100 + leaves.len() as u32, Kind::Double);
            leaves.extend([branch.a.shallow_clone(), branch.b.shallow_clone()]);
            layer.attach(branch).unwrap();
        }
    });
    assert!(leaves.len() > 16);
    let direction = random(&[2, 3, 6, 5], 60, Kind::Double);
    check_gradients(&leaves, || (forward(&unet, &given, &Context::default()) * &direction).sum(None));
}

#[test]
fn attention_in_fp32_is_nothing_new_in_fp32_and_something_else_in_fp16() {
    let made = MadeUp::for_model(|loader| Unet::load(&config(), loader));
    let output = |kind, upcast| {
        let mut unet = Unet::load(&config(), &Loader::new(&made, kind, Device::Cpu)).unwrap();
        unet.set_upcast_attention(upcast);
        forward(&unet, &given(kind), &Context::default())
    };
    assert_eq!(output(Kind::Float, true), output(Kind::Float, false));
    let (plain, upcast) = (output(Kind::Half, false), output(Kind::Half, true));
    assert_eq!(upcast.kind(), Kind::Half);
    assert!(plain != upcast && apart(&plain, &upcast) < 0.05);
}

#[test]
fn projections_are_linear_layers_where_the_configuration_says_so() {
    let config = UnetConfig { use_linear_projection: true, ..config() };
    let mut unet = load(&config, Kind::Float);
    unet.visit(&mut |name, layer| {
        let conv = matches!(layer.kind(), SlotKind::Conv { .. });
        assert!(!(name.contains("proj_") && conv), "{name}");
    });
    assert_eq!(forward(&unet, &given(Kind::Float), &Context::default()).size(), [2, 3, 6, 5]);
}

#[test]
fn configurations_and_files_that_do_not_fit_are_refused_in_words() {
    type Breaking = fn(&mut UnetConfig);
    let broken: [(Breaking, &str); 5] = [
        (
            |config| config.attention_heads = vec![3, 4],
            "8 channels cannot be shared between 3 attention heads",
        ),
        (|config| config.norm_num_groups = 0, "0 norm_num_groups"),
        (|config| config.up_attention.clear(), "up_block_types has 0 entries, but block_out_channels has 2"),
        (|config| config.block_out_channels.clear(), "block_out_channels is empty"),
        (|config| config.layers_per_block = 0, "layers_per_block is 0"),
    ];
    let mut made = MadeUp::for_model(|loader| Unet::load(&config(), loader));
    for (breaking, words) in broken {
        let mut config = config();
        breaking(&mut config);
        let error = Unet::load(&config, &Loader::new(&made, Kind::Float, Device::Cpu)).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
    made.remove("mid_block.resnets.1.conv2.bias");
    let error = Unet::load(&config(), &Loader::new(&made, Kind::Float, Device::Cpu)).unwrap_err();
    assert!(matches!(error, LoadError::Shape { .. }));
    assert!(error.to_string().contains("'mid_block.resnets.1.conv2.bias' has the shape [], but"), "{error}");
}

use loradeck_data::base_model::stable_diffusion::VaeConfig;
use tch::{Device, Kind};

use super::Vae;
use crate::models::loader::Loader;
use crate::models::testing::{MadeUp, apart, random};

fn config() -> VaeConfig {
    VaeConfig {
        in_channels: 3,
        out_channels: 3,
        latent_channels: 2,
        block_out_channels: vec![4, 8, 8],
        layers_per_block: 1,
        norm_num_groups: 2,
        scaling_factor: 0.18215,
        mid_block_attention: true,
        use_quant_conv: true,
        use_post_quant_conv: true,
    }
}

fn load(config: &VaeConfig) -> Vae {
    let made = MadeUp::for_model(|loader| Vae::load(config, loader));
    Vae::load(config, &Loader::new(&made, Kind::Float, Device::Cpu)).unwrap()
}

#[test]
fn pictures_shrink_by_four_and_grow_again() {
    for attention in [true, false] {
        let config = VaeConfig { mid_block_attention: attention, use_quant_conv: attention, ..config() };
        let vae = load(&config);
        let (mean, deviation) = vae.encode(&random(&[2, 3, 16, 8], 1, Kind::Float)).unwrap();
        assert_eq!((mean.size(), deviation.size()), (vec![2, 2, 4, 2], vec![2, 2, 4, 2]));
        assert!(deviation.min().double_value(&[]) > 0.0);
        assert_eq!(vae.decode(&mean).unwrap().size(), [2, 3, 16, 8]);
    }
}

#[test]
fn samples_of_a_batch_do_not_see_each_other() {
    let vae = load(&config());
    let pictures = random(&[2, 3, 16, 8], 1, Kind::Float);
    let (both, _) = vae.encode(&pictures).unwrap();
    let (alone, _) = vae.encode(&pictures.narrow(0, 1, 1)).unwrap();
    assert!(apart(&both.narrow(0, 1, 1), &alone) < 1e-5);
}

#[test]
fn the_deviation_stays_within_its_bounds() {
    let mut made = MadeUp::for_model(|loader| Vae::load(&config(), loader));
    made.replace("quant_conv.bias", vec![0.0, 0.0, -1e4, 1e4]);
    let vae = Vae::load(&config(), &Loader::new(&made, Kind::Float, Device::Cpu)).unwrap();
    let (_, deviation) = vae.encode(&random(&[1, 3, 16, 8], 1, Kind::Float)).unwrap();
    let of = |channel: i64| deviation.narrow(1, channel, 1).mean(None).double_value(&[]);
    assert!((of(0) / (-15.0_f64).exp() - 1.0).abs() < 1e-5 && (of(1) / 10.0_f64.exp() - 1.0).abs() < 1e-5);
}

#[test]
fn a_configuration_that_cannot_be_is_refused() {
    let made = MadeUp::default();
    let loader = Loader::new(&made, Kind::Float, Device::Cpu);
    let config = VaeConfig { norm_num_groups: 3, ..config() };
    let error = Vae::load(&config, &loader).unwrap_err().to_string();
    assert!(error.contains("vae's config.json") && error.contains("4 channels"), "{error}");
}

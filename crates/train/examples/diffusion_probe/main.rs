//! Gives the judges (scripts that compare with diffusers and transformers) what this crate's diffusion models make of
//! an input. FOLDER is one component's folder in diffusers' layout, INPUT and OUTPUT are safetensors files.
//!
//! `diffusion_probe unet FOLDER INPUT OUTPUT`: `latents`, `timesteps`, `states` to `output`; with `direction`, `a.LAYER`
//! and `b.LAYER` the branches are attached, and the gradients `a.LAYER`, `b.LAYER` of Σ output · direction come too; everything is computed in the number type of `direction`, without it in fp32.
//! `diffusion_probe text FOLDER INPUT OUTPUT`: `ids` to `output.N` for clip skip N, branches and `direction` as above.
//! `diffusion_probe vae FOLDER INPUT OUTPUT`: `pictures` to `mean` and `std`, `latents` to `decoded`.
//! `diffusion_probe noise FOLDER INPUT OUTPUT`: the schedule's tables and mixtures.
//! `diffusion_probe sampler FOLDER NAME STEPS INPUT OUTPUT`: a trajectory of a made-up network.

mod branches;
mod folder;
mod schedules;

use std::collections::HashMap;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use loradeck_train::adapters::autograd::Context;
use loradeck_train::models::clip::ClipText;
use loradeck_train::models::loader::Loader;
use loradeck_train::models::unet::Unet;
use loradeck_train::models::vae::Vae;
use tch::{Device, Kind, Tensor};

use branches::Branches;
use folder::Folder;

type Tensors = HashMap<String, Tensor>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["unet", folder, input, output] => answer(input, output, |input| unet(folder, input)),
        ["text", folder, input, output] => answer(input, output, |input| text(folder, input)),
        ["vae", folder, input, output] => answer(input, output, |input| vae(folder, input)),
        ["noise", folder, input, output] => answer(input, output, |input| schedules::noise(folder, input)),
        ["sampler", folder, name, steps, input, output] => {
            answer(input, output, |input| schedules::sample(folder, name, steps.parse()?, input))
        }
        _ => bail!(
            "usage: diffusion_probe unet|text|vae|noise FOLDER INPUT OUTPUT | sampler FOLDER NAME STEPS INPUT OUTPUT"
        ),
    }
}

fn answer(input: &str, output: &str, make: impl FnOnce(&Tensors) -> Result<Tensors>) -> Result<()> {
    let input: Tensors = Tensor::read_safetensors(input)?.into_iter().collect();
    let made = make(&input)?;
    let made: Vec<(&str, Tensor)> =
        made.iter().map(|(name, tensor)| (name.as_str(), tensor.detach().contiguous())).collect();
    Ok(Tensor::write_safetensors(&made, output)?)
}

fn needed<'a>(input: &'a Tensors, name: &str) -> Result<&'a Tensor> {
    input.get(name).with_context(|| format!("the input has no '{name}'"))
}

/// The number type to compute in: that of `direction`, without one fp32.
fn kind(input: &Tensors) -> Kind {
    input.get("direction").map_or(Kind::Float, Tensor::kind)
}

/// Says which weights of the file no layer asked for.
fn check_left(folder: &Folder, loader: &Loader) -> Result<()> {
    let left = folder.left(&loader.used());
    if left.is_empty() { Ok(()) } else { bail!("weights that no layer asked for: {left:?}") }
}

fn unet(folder: &str, input: &Tensors) -> Result<Tensors> {
    let folder = Folder::open(Path::new(folder))?;
    let loader = Loader::new(&folder, kind(input), Device::Cpu);
    let mut unet = Unet::load(&folder.unet()?, &loader)?;
    check_left(&folder, &loader)?;
    let mut branches = Branches::of(input);
    unet.visit(&mut |name, layer| branches.attach(name, layer));
    branches.check()?;
    let (latents, timesteps) = (needed(input, "latents")?, needed(input, "timesteps")?);
    let states = needed(input, "states")?;
    let forward = |context: &Context| unet.forward(latents, timesteps, states, context);
    let start = Instant::now();
    let output = forward(&Context::default())?;
    println!("forward {:.3} s", start.elapsed().as_secs_f64());
    let start = Instant::now();
    let mut made = branches.gradients(&output, input.get("direction"))?;
    if input.contains_key("direction") {
        println!("backward {:.3} s", start.elapsed().as_secs_f64());
    }
    made.insert("base".to_owned(), tch::no_grad(|| forward(&Context::base()))?);
    made.insert("output".to_owned(), output);
    Ok(made)
}

fn text(folder: &str, input: &Tensors) -> Result<Tensors> {
    let folder = Folder::open(Path::new(folder))?;
    let loader = Loader::new(&folder, kind(input), Device::Cpu);
    let config = folder.text()?;
    let mut text = ClipText::load(&config, &loader)?;
    check_left(&folder, &loader)?;
    let mut branches = Branches::of(input);
    text.visit(&mut |name, layer| branches.attach(name, layer));
    branches.check()?;
    let ids = needed(input, "ids")?;
    let output = text.forward(ids, 1, &Context::default())?;
    let mut made = branches.gradients(&output, input.get("direction"))?;
    made.insert("output".to_owned(), output);
    for skip in 1..=config.num_hidden_layers as u32 {
        made.insert(format!("output.{skip}"), tch::no_grad(|| text.forward(ids, skip, &Context::base()))?);
    }
    Ok(made)
}

fn vae(folder: &str, input: &Tensors) -> Result<Tensors> {
    let folder = Folder::open(Path::new(folder))?;
    let loader = Loader::new(&folder, Kind::Float, Device::Cpu);
    let vae = Vae::load(&folder.vae()?, &loader)?;
    check_left(&folder, &loader)?;
    let _no_gradients = tch::no_grad_guard();
    let (mean, deviation) = vae.encode(needed(input, "pictures")?)?;
    let decoded = vae.decode(needed(input, "latents")?)?;
    let made = [("mean", mean), ("std", deviation), ("decoded", decoded)];
    Ok(made.into_iter().map(|(name, tensor)| (name.to_owned(), tensor)).collect())
}

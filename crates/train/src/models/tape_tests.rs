//! The tape on the text encoder and the UNet together: every layer carries a branch with all three dropouts.

use std::sync::OnceLock;

use loradeck_data::base_model::stable_diffusion::{Activation, ClipTextConfig, UnetConfig};
use tch::{Device, Kind, TchError, Tensor};

use super::clip::ClipText;
use super::flow::{Direct, Flow, Value};
use super::loader::Loader;
use super::tape::Tape;
use super::testing::{MadeUp, branch, random};
use super::unet::Unet;
use crate::adapters::autograd::{Branch, Context, Dropout, LayerMut, MaskPart, Masks};

/// Masks by layer and part, as a training's are, but not by libtorch's one generator, which tests would share.
struct OwnMasks;

impl Masks for OwnMasks {
    fn keep(
        &self,
        layer: u32,
        part: MaskPart,
        rate: f64,
        size: &[i64],
        like: &Tensor,
    ) -> Result<Tensor, TchError> {
        let spread = random(size, 1000 + 4 * layer + part as u32, Kind::Float);
        spread.f_ge(2.0 * rate - 1.0)?.f_to_kind(like.kind())
    }
}

struct Model {
    text: ClipText,
    unet: Unet,
    leaves: Vec<Tensor>,
}

fn unet() -> UnetConfig {
    UnetConfig {
        in_channels: 4,
        out_channels: 3,
        block_out_channels: vec![8, 16],
        down_attention: vec![true, false],
        up_attention: vec![false, true],
        layers_per_block: 2,
        attention_heads: vec![2, 4],
        transformer_layers: 1,
        cross_attention_dim: 8,
        norm_num_groups: 4,
        norm_eps: 1e-5,
        use_linear_projection: false,
        flip_sin_to_cos: true,
        freq_shift: 0.0,
    }
}

fn text() -> ClipTextConfig {
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

/// Branches on the layers of whose names `wanted` says so.
fn model(wanted: &dyn Fn(&str) -> bool) -> Model {
    static WEIGHTS: OnceLock<(MadeUp, MadeUp)> = OnceLock::new();
    let (of_text, of_unet) = WEIGHTS.get_or_init(|| {
        let of_text = MadeUp::for_model(|loader| ClipText::load(&text(), loader));
        (of_text, MadeUp::for_model(|loader| Unet::load(&unet(), loader)))
    });
    let mut text = ClipText::load(&text(), &Loader::new(of_text, Kind::Float, Device::Cpu)).unwrap();
    let mut unet = Unet::load(&unet(), &Loader::new(of_unet, Kind::Float, Device::Cpu)).unwrap();
    let mut leaves = Vec::new();
    let mut number = 0;
    let mut attach = |name: &str, mut layer: LayerMut<'_>| {
        number += 1;
        if !wanted(name) {
            return;
        }
        let Branch { a, b, scale, .. } = branch(&layer, 100 + number, Kind::Float);
        leaves.extend([a.shallow_clone(), b.shallow_clone()]);
        let dropout = Some(Dropout { layer: number, input: 0.2, rank: 0.2, module: 0.2 });
        layer.attach(Branch { a, b, scale, dropout }).unwrap();
    };
    text.visit(&mut |name, layer| attach(name, layer));
    unet.visit(&mut |name, layer| attach(name, layer));
    Model { text, unet, leaves }
}

impl Model {
    /// The prediction; the text encoder runs over two chunks, so that its leaves are used twice.
    fn run<'a>(&'a self, flow: &mut impl Flow<'a>) -> Value {
        let ids =
            |first: i64| (Tensor::arange(10, (Kind::Int64, Device::Cpu)) + first).remainder(11).view([2, 5]);
        let chunks = [0, 4].map(|first| self.text.run(&ids(first), 1, flow).unwrap());
        let states = flow.run_on_all(&chunks, |chunks, _| Tensor::f_cat(chunks, 1)).unwrap();
        let latents = random(&[2, 4, 6, 5], 50, Kind::Float);
        self.unet.run(&latents, &Tensor::from_slice(&[999_i64, 3]), &states, flow).unwrap()
    }

    fn loss(prediction: &Tensor) -> Tensor {
        (prediction * random(&[2, 3, 6, 5], 60, Kind::Float)).square().sum(Kind::Float)
    }

    /// Prediction and gradients of autograd's own.
    fn plain(&self, context: &Context) -> (Tensor, Vec<Tensor>) {
        let prediction = self.run(&mut Direct(context)).tensor().shallow_clone();
        let gradients = Tensor::run_backward(&[Self::loss(&prediction)], &self.leaves, false, false);
        (prediction.detach(), gradients)
    }

    /// The same by the tape, and how many gradients it handed over.
    fn taped(&self, context: Context<'_>) -> (Tensor, Vec<Tensor>, usize) {
        let mut tape = Tape::new(context);
        let prediction = self.run(&mut tape);
        let leaf = prediction.tensor().detach().set_requires_grad(true);
        let gradient = Tensor::run_backward(&[Self::loss(&leaf)], &[&leaf], false, false).remove(0);
        let mut gradients: Vec<Tensor> = self.leaves.iter().map(Tensor::zeros_like).collect();
        let mut handed = 0;
        tape.backward(&prediction, gradient, &mut |leaf, gradient| {
            let at = self.leaves.iter().position(|known| known.data_ptr() == leaf.data_ptr()).unwrap();
            gradients[at] = &gradients[at] + gradient;
            handed += 1;
            Ok(())
        })
        .unwrap();
        (leaf.detach(), gradients, handed)
    }
}

fn agree(model: &Model) -> usize {
    let context = Context { masks: Some(&OwnMasks), ..Context::default() };
    let ((prediction, gradients), (taped, by_tape, handed)) = (model.plain(&context), model.taped(context));
    assert_eq!(prediction, taped);
    for (number, (plain, tape)) in gradients.iter().zip(&by_tape).enumerate() {
        let off = (plain - tape).abs().max().double_value(&[]);
        assert_eq!(plain, tape, "leaf {number} of {:?} is off by {off}", plain.size());
    }
    // Without dropout there are other gradients: the masks are in both.
    let (_, whole) = model.plain(&Context::default());
    assert!(whole.iter().zip(&gradients).any(|(whole, dropped)| whole != dropped));
    handed
}

#[test]
fn gradients_have_the_bits_of_a_pass_that_keeps_everything() {
    let model = model(&|_| true);
    let of_text = 2 * 3 * 6;
    assert_eq!(agree(&model), model.leaves.len() + of_text, "the text encoder's leaves come twice");
}

#[test]
fn a_few_layers_anywhere_have_the_same_bits_too() {
    for wanted in
        ["mid_block.attentions.0.proj_in", "layers.1.mlp.fc2", "down_blocks.0.downsamplers", "up_blocks.1"]
    {
        let model = model(&|name| name.contains(wanted));
        assert!(!model.leaves.is_empty());
        agree(&model);
    }
}

#[test]
fn without_anything_trained_there_is_nothing_to_hand_over() {
    let (_, gradients, handed) = model(&|_| false).taped(Context::default());
    assert_eq!((gradients.len(), handed), (0, 0));
}

#[test]
fn a_blocks_refusal_is_the_tapes() {
    let mut tape = Tape::new(Context::default());
    let x = tape.constant(Tensor::zeros([2, 3], (Kind::Float, Device::Cpu)));
    let misfit = tape.run([&x], |[x], _| x.f_mm(x));
    assert!(misfit.unwrap_err().to_string().contains("mat1 and mat2"));
}

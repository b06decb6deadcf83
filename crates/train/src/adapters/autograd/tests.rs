use super::*;
use crate::models::testing::{apart, branch, check_gradients, random};
use tch::{Kind, TchError, Tensor};

const DOUBLE: Kind = Kind::Double;

fn linear() -> AutogradLinear {
    AutogradLinear::frozen(random(&[5, 4], 1, DOUBLE), Some(random(&[5], 2, DOUBLE)))
}

fn conv(stride: i64) -> AutogradConv2d {
    AutogradConv2d::frozen(random(&[5, 4, 3, 3], 1, DOUBLE), Some(random(&[5], 2, DOUBLE)), stride, 1)
}

fn with_branch(mut layer: AutogradLinear) -> AutogradLinear {
    let branch = branch(&LayerMut::Linear(&mut layer), 7, DOUBLE);
    layer.attach(branch).unwrap();
    layer
}

fn conv_with_branch(stride: i64) -> AutogradConv2d {
    let mut layer = conv(stride);
    let branch = branch(&LayerMut::Conv(&mut layer), 7, DOUBLE);
    layer.attach(branch).unwrap();
    layer
}

fn leaves(branch: &Branch) -> [Tensor; 2] {
    [branch.a.shallow_clone(), branch.b.shallow_clone()]
}

/// Masks that are all zeros for one part and all ones for the others.
struct Without(MaskPart);

impl Masks for Without {
    fn keep(
        &self,
        layer: u32,
        part: MaskPart,
        _: f64,
        size: &[i64],
        like: &Tensor,
    ) -> Result<Tensor, TchError> {
        assert_eq!(layer, 3);
        Tensor::f_full(size, i64::from(part != self.0), (like.kind(), like.device()))
    }
}

#[test]
fn a_linear_branch_is_a_change_of_the_weight() {
    let layer = with_branch(linear());
    let x = random(&[2, 3, 4], 20, DOUBLE);
    let branch = layer.adapter().unwrap();
    let merged = layer.weight() + branch.b.matmul(&branch.a) * branch.scale;
    let expected = x.linear(&merged, Some(&random(&[5], 2, DOUBLE)));
    assert!(apart(&layer.forward(&x, &Context::default()).unwrap(), &expected) < 1e-12);
}

#[test]
fn a_conv_branch_is_a_change_of_the_kernel_at_any_stride() {
    for stride in [1, 2] {
        let layer = conv_with_branch(stride);
        let x = random(&[2, 4, 6, 5], 20, DOUBLE);
        let branch = layer.adapter().unwrap();
        let change = branch.b.view([5, 2]).matmul(&branch.a.view([2, 36])).view([5, 4, 3, 3]);
        let merged = layer.weight() + change * branch.scale;
        let bias = random(&[5], 2, DOUBLE);
        let expected = x.conv2d(&merged, Some(&bias), [stride, stride], [1, 1], [1, 1], 1);
        assert!(apart(&layer.forward(&x, &Context::default()).unwrap(), &expected) < 1e-12);
    }
}

#[test]
fn a_fresh_branch_and_the_base_alone_change_nothing() {
    let x = random(&[2, 3, 4], 20, DOUBLE);
    let base = linear().forward(&x, &Context::default()).unwrap();
    let mut layer = with_branch(linear());
    assert!(apart(&layer.forward(&x, &Context::default()).unwrap(), &base) > 0.01);
    assert_eq!(layer.forward(&x, &Context::base()).unwrap(), base);
    let Branch { a, b, scale, dropout } = layer.detach().unwrap();
    layer.attach(Branch { a, b: b.zeros_like(), scale, dropout }).unwrap();
    assert_eq!(layer.forward(&x, &Context::default()).unwrap(), base);
}

#[test]
fn gradients_agree_with_differences() {
    let x = random(&[2, 3, 4], 20, DOUBLE);
    let direction = random(&[2, 3, 5], 21, DOUBLE);
    let layer = with_branch(linear());
    check_gradients(&leaves(layer.adapter().unwrap()), || {
        (layer.forward(&x, &Context::default()).unwrap() * &direction).sum(None)
    });
    let x = random(&[2, 4, 6, 5], 20, DOUBLE);
    let layer = conv_with_branch(2);
    check_gradients(&leaves(layer.adapter().unwrap()), || {
        layer.forward(&x, &Context::default()).unwrap().square().sum(None)
    });
    assert!(!layer.weight().requires_grad());
}

#[test]
fn the_strength_is_a_factor_of_the_branch() {
    let layer = with_branch(linear());
    let x = random(&[2, 3, 4], 20, DOUBLE);
    let base = layer.forward(&x, &Context::base()).unwrap();
    let change = layer.forward(&x, &Context::default()).unwrap() - &base;
    let quarter = Tensor::from(0.25_f32);
    for strength in [Strength::Number(0.25), Strength::Tensor(&quarter)] {
        let weaker = layer.forward(&x, &Context { strength, ..Context::default() }).unwrap();
        assert!(apart(&(weaker - &base), &(&change * 0.25)) < 1e-12);
    }
}

#[test]
fn masks_leave_parts_out_and_make_up_for_it() {
    let x = random(&[2, 3, 4], 20, DOUBLE);
    let base = linear().forward(&x, &Context::default()).unwrap();
    let full = with_branch(linear()).forward(&x, &Context::default()).unwrap() - &base;
    for out in [MaskPart::Input, MaskPart::Rank, MaskPart::Module] {
        assert!(apart(&masked(&x, &Without(out), 0.25), &base) < 1e-12);
    }
    // A rate of 0 asks for no mask; what the others keep is made larger by the input's share, not by the module's.
    let no_rank = masked(&x, &Without(MaskPart::Rank), 0.0);
    assert!(apart(&(no_rank - &base), &(&full / 0.75)) < 1e-12);
}

/// The output of a layer with an input and module dropout of 0.25 and the rank dropout given.
fn masked(x: &Tensor, masks: &dyn Masks, rank: f64) -> Tensor {
    let mut layer = with_branch(linear());
    let Branch { a, b, scale, .. } = layer.detach().unwrap();
    let dropout = Some(Dropout { layer: 3, input: 0.25, rank, module: 0.25 });
    layer.attach(Branch { a, b, scale, dropout }).unwrap();
    layer.forward(x, &Context { masks: Some(masks), ..Context::default() }).unwrap()
}

#[test]
fn a_branch_of_other_sizes_is_refused() {
    let mut layer = conv(1);
    let misfit = Branch {
        a: random(&[2, 4, 1, 1], 1, DOUBLE),
        b: random(&[5, 2, 1, 1], 2, DOUBLE),
        scale: 1.0,
        dropout: None,
    };
    let error = layer.attach(misfit).unwrap_err().to_string();
    assert!(error.contains("A has the shape [2, 4, 1, 1]") && error.contains("[2, 4, 3, 3]"), "{error}");
    assert!(layer.adapter().is_none());
}

#[test]
fn a_bf16_layer_trains_branches_in_single_precision() {
    let mut layer = AutogradLinear::frozen(random(&[5, 4], 1, Kind::BFloat16), None);
    let branch = branch(&LayerMut::Linear(&mut layer), 7, Kind::Float);
    let leaf = branch.a.shallow_clone();
    layer.attach(branch).unwrap();
    let y = layer.forward(&random(&[3, 4], 20, Kind::BFloat16), &Context::default()).unwrap();
    assert_eq!(y.kind(), Kind::BFloat16);
    let gradient = &Tensor::run_backward(&[y.square().sum(None)], &[leaf], false, false)[0];
    assert_eq!(gradient.kind(), Kind::Float);
}

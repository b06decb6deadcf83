//! Small random weights for tests of the models.

use std::collections::HashMap;

use loradeck_data::base_model::{WeightData, WeightView};
use loradeck_data::random::{Purpose, Stream};
use loradeck_data::safetensors::DataType;
use tch::{Device, Kind, Tensor};

use super::loader::{LoadError, Loader};
use super::source::WeightSource;
use crate::adapters::autograd::{Branch, LayerMut};

/// Weights by name.
#[derive(Default)]
pub(crate) struct MadeUp {
    weights: HashMap<String, (Vec<usize>, Vec<f32>)>,
}

impl WeightSource for MadeUp {
    fn weight(&self, name: &str) -> Result<WeightView<'_>, String> {
        let (shape, values) = match self.weights.get(name) {
            Some((shape, values)) => (shape.clone(), values.clone()),
            None => (Vec::new(), Vec::new()),
        };
        Ok(WeightView { dtype: DataType::F32, shape, data: WeightData::Expanded(values) })
    }
}

impl MadeUp {
    /// Random weights for whatever `load` asks for: every refusal of a shape says which weight it wants, and how large.
    pub(crate) fn for_model<M>(load: impl Fn(&Loader) -> Result<M, LoadError>) -> Self {
        let mut made = Self::default();
        loop {
            let wanted = load(&Loader::new(&made, Kind::Float, Device::Cpu)).err();
            let Some(LoadError::Shape { name, expected, .. }) = wanted else { return made };
            let values = values(&name, &expected, made.weights.len() as u32);
            made.weights.insert(name, (expected, values));
        }
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &String> {
        self.weights.keys()
    }

    pub(crate) fn replace(&mut self, name: &str, values: Vec<f32>) {
        let (shape, old) = self.weights.get_mut(name).unwrap();
        assert_eq!(shape.iter().product::<usize>(), values.len());
        *old = values;
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.weights.remove(name);
    }
}

fn values(name: &str, shape: &[usize], number: u32) -> Vec<f32> {
    let count: usize = shape.iter().product();
    let fan_in = (count / shape[0]).max(1) as f32;
    let around = f32::from(u8::from(name.contains("norm") && name.ends_with("weight")));
    uniform(count, number).into_iter().map(|value| around + value * (3.0 / fan_in).sqrt() * 0.8).collect()
}

fn uniform(count: usize, number: u32) -> Vec<f32> {
    let mut stream = Stream::new(11, Purpose::Test, number);
    (0..count).map(|_| stream.next_u32() as f32 / u32::MAX as f32 * 2.0 - 1.0).collect()
}

/// A random tensor with values from −1 to 1, another one for every `number`.
pub(crate) fn random(size: &[i64], number: u32, kind: Kind) -> Tensor {
    let count: i64 = size.iter().product();
    Tensor::from_slice(&uniform(count as usize, number)).reshape(size).to_kind(kind)
}

/// A branch of rank 2 whose A and B are random.
pub(crate) fn branch(layer: &LayerMut, number: u32, kind: Kind) -> Branch {
    let leaf = |size: Vec<i64>, number| (random(&size, number, kind) * 0.3).set_requires_grad(true);
    let slot = layer.kind();
    Branch {
        a: leaf(slot.a_size(2), 2 * number),
        b: leaf(slot.b_size(2), 2 * number + 1),
        scale: 1.5,
        dropout: None,
    }
}

/// The largest distance of two tensors.
pub(crate) fn apart(one: &Tensor, other: &Tensor) -> f64 {
    assert_eq!(one.size(), other.size());
    (one - other).abs().max().double_value(&[])
}

/// Holds the gradients of `loss` in `leaves` against central differences along one random direction each.
pub(crate) fn check_gradients(leaves: &[Tensor], loss: impl Fn() -> Tensor) {
    const STEP: f64 = 1e-5;
    let gradients = Tensor::run_backward(&[loss()], leaves, false, false);
    for (number, (leaf, gradient)) in leaves.iter().zip(gradients).enumerate() {
        let direction = random(&leaf.size(), 1000 + number as u32, leaf.kind());
        let mut plain = leaf.detach();
        let mut at = |step: f64| {
            tch::no_grad(|| {
                let _ = plain.g_add_(&(&direction * step));
                loss().double_value(&[])
            })
        };
        let numeric = (at(STEP) - at(-2.0 * STEP)) / (2.0 * STEP);
        at(STEP);
        let exact = (gradient * direction).sum(None).double_value(&[]);
        assert!((numeric - exact).abs() <= 1e-6 * (1.0 + exact.abs()), "leaf {number}: {numeric} or {exact}");
        assert!(exact.abs() > 1e-9, "leaf {number} has no gradient to compare");
    }
}

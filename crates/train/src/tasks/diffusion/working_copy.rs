//! The adapters' numbers as the layers use them: in the network's number format, with the scale multiplied into A.
//!
//! One kernel makes the copy and one brings the gradients back, where casting and scaling in every layer would take
//! four launches a layer and as many in the backward pass.

use std::collections::HashMap;

use tch::{Kind, TchError, Tensor};

use crate::adapters::{AdapterSet, Matrix};
use crate::models::tape::GradientSink;

/// The copy, and the leaves of autograd that look into it.
#[derive(Debug)]
pub struct WorkingCopy {
    /// All A and B in the order of the adapters' buffers.
    numbers: Tensor,
    /// For each number what it is multiplied by: alpha / r in A, 1 in B; fp32.
    scales: Tensor,
    /// 1 in A, 0 in B; fp32.
    in_a: Tensor,
    leaves: Vec<Tensor>,
    /// The leaves' numbers by where their numbers lie in memory.
    places: HashMap<usize, usize>,
}

impl WorkingCopy {
    /// A copy of `adapters` in the number format `kind`, at full strength.
    pub fn new(adapters: &AdapterSet, kind: Kind) -> Result<Self, TchError> {
        let numbers = adapters.parameters.f_to_kind(kind)?.f_empty_like()?;
        let scales = adapters.parameters.f_ones_like()?;
        let in_a = adapters.parameters.f_zeros_like()?;
        let mut leaves = Vec::with_capacity(2 * adapters.sites().len());
        for (index, site) in adapters.sites().iter().enumerate() {
            let _ = adapters.view(&scales, index, Matrix::A)?.f_fill_(site.scale)?;
            let _ = adapters.view(&in_a, index, Matrix::A)?.f_fill_(1.0)?;
            for matrix in [Matrix::A, Matrix::B] {
                let view = adapters.view(&numbers, index, matrix)?;
                leaves.push(view.f_detach()?.f_requires_grad_(true)?);
            }
        }
        let places = leaves.iter().enumerate().map(|(number, leaf)| (address(leaf), number)).collect();
        let mut copy = Self { numbers, scales, in_a, leaves, places };
        copy.refresh(&adapters.parameters, 1.0)?;
        Ok(copy)
    }

    /// A leaf: A (`2 · index`) or B (`2 · index + 1`) of adapter `index`.
    pub fn leaf(&self, index: usize, matrix: Matrix) -> Tensor {
        self.leaves[2 * index + usize::from(matrix == Matrix::B)].shallow_clone()
    }

    /// Takes the numbers over from `parameters`, with the branches `strength` times as strong.
    pub fn refresh(&mut self, parameters: &Tensor, strength: f64) -> Result<(), TchError> {
        let scaled = parameters.f_mul(&self.factors(strength)?)?;
        self.numbers.f_copy_(&scaled)
    }

    fn factors(&self, strength: f64) -> Result<Tensor, TchError> {
        if (strength - 1.0).abs() < f64::EPSILON {
            return Ok(self.scales.shallow_clone());
        }
        let weaker = self.in_a.f_mul_scalar(strength - 1.0)?.f_add_scalar(1.0)?;
        self.scales.f_mul(&weaker)
    }

    /// Computes the gradients of `loss` and adds them onto the flat buffer `gradients`. `strength` is that of the last
    /// refresh.
    pub fn add_gradients(
        &self,
        loss: &Tensor,
        strength: f64,
        gradients: &mut Tensor,
    ) -> Result<(), TchError> {
        let each = Tensor::f_run_backward(&[loss], &self.leaves, false, false)?;
        self.add_each(each.into_iter().map(Some).collect(), strength, gradients)
    }

    /// Adds the gradients that `backward` hands over, leaf by leaf and perhaps several for one, onto the flat buffer.
    pub fn add_handed(
        &self,
        strength: f64,
        gradients: &mut Tensor,
        backward: impl FnOnce(GradientSink<'_>) -> Result<(), TchError>,
    ) -> Result<(), TchError> {
        let mut each: Vec<Option<Tensor>> = self.leaves.iter().map(|_| None).collect();
        backward(&mut |leaf, gradient| {
            let Some(number) = self.places.get(&address(leaf)) else {
                return Err(TchError::Kind("a gradient for no trained leaf".to_owned()));
            };
            each[*number] = Some(match each[*number].take() {
                Some(sum) => sum.f_add(&gradient)?,
                None => gradient,
            });
            Ok(())
        })?;
        self.add_each(each, strength, gradients)
    }

    /// Adds the leaves' gradients; a leaf that the loss does not depend on has none.
    fn add_each(
        &self,
        each: Vec<Option<Tensor>>,
        strength: f64,
        gradients: &mut Tensor,
    ) -> Result<(), TchError> {
        let flat: Vec<Tensor> = each
            .into_iter()
            .zip(&self.leaves)
            .map(|(gradient, leaf)| match gradient.filter(Tensor::defined) {
                Some(gradient) => gradient.f_reshape([-1]),
                None => leaf.f_detach()?.f_zeros_like()?.f_reshape([-1]),
            })
            .collect::<Result<_, _>>()?;
        let flat = Tensor::f_cat(&flat, 0)?.f_to_kind(Kind::Float)?;
        let _ = gradients.f_add_(&flat.f_mul(&self.factors(strength)?)?)?;
        Ok(())
    }
}

/// Where a leaf's numbers lie: views into one buffer, none of them empty, so each lies elsewhere.
fn address(leaf: &Tensor) -> usize {
    leaf.data_ptr() as usize
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;
    use crate::adapters::AdapterSite;
    use crate::tasks::diffusion::sites::diffusers_name;

    #[test]
    fn gradients_are_those_of_the_parameters_whatever_the_strength() {
        let site = AdapterSite::linear("unet.x".into(), 0, (3, 4), 2, 6.0);
        let set = AdapterSet::new(vec![site], 1, diffusers_name, Device::Cpu).unwrap();
        let mut parameters = set.parameters.shallow_clone();
        let _ = parameters.uniform_(-1.0, 1.0);
        let x = Tensor::rand([5, 4], (Kind::Float, Device::Cpu));
        for strength in [1.0, 0.25] {
            let mut copy = WorkingCopy::new(&set, Kind::Float).unwrap();
            copy.refresh(&parameters, strength).unwrap();
            let (a, b) = (copy.leaf(0, Matrix::A), copy.leaf(0, Matrix::B));
            let loss = tch::with_grad(|| x.matmul(&a.tr()).matmul(&b.tr()).square().sum(Kind::Float));
            let mut found = set.parameters.zeros_like();
            copy.add_gradients(&loss, strength, &mut found).unwrap();
            // The same by autograd on the parameters themselves.
            let own = parameters.detach().copy().set_requires_grad(true);
            let expected = tch::with_grad(|| {
                let a = set.view(&own, 0, Matrix::A).unwrap();
                let b = set.view(&own, 0, Matrix::B).unwrap();
                let y = x.matmul(&a.tr()).matmul(&b.tr()) * (3.0 * strength);
                y.square().sum(Kind::Float)
            });
            let expected = Tensor::run_backward(&[&expected], &[&own], false, false);
            let off = (&found - &expected[0]).abs().max().double_value(&[]);
            assert!(off < 1e-4 * expected[0].abs().max().double_value(&[]), "{strength}: {off}");
        }
    }
}

//! Branches from an input file, and their gradients.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use loradeck_train::adapters::autograd::{Branch, LayerMut};
use tch::Tensor;

use crate::Tensors;

/// α/r of every branch.
const SCALE: f64 = 1.5;

/// The branches of an input file by their layers.
pub(crate) struct Branches {
    leaves: BTreeMap<String, (Tensor, Tensor)>,
    attached: usize,
    without: Vec<String>,
    problems: Vec<String>,
}

impl Branches {
    pub(crate) fn of(input: &Tensors) -> Self {
        let leaf = |tensor: &Tensor| tensor.copy().set_requires_grad(true);
        let pairs = input.iter().filter_map(|(name, a)| {
            let layer = name.strip_prefix("a.")?;
            Some((layer.to_owned(), (leaf(a), leaf(input.get(&format!("b.{layer}"))?))))
        });
        Self { leaves: pairs.collect(), attached: 0, without: Vec::new(), problems: Vec::new() }
    }

    pub(crate) fn attach(&mut self, name: &str, mut layer: LayerMut) {
        let Some((a, b)) = self.leaves.get(name) else { return self.without.push(name.to_owned()) };
        let branch = Branch { a: a.shallow_clone(), b: b.shallow_clone(), scale: SCALE, dropout: None };
        match layer.attach(branch) {
            Ok(()) => self.attached += 1,
            Err(error) => self.problems.push(format!("{name}: {error}")),
        }
    }

    /// Either no layer has a branch, or every layer has one and every branch a layer.
    pub(crate) fn check(&self) -> Result<()> {
        ensure!(self.problems.is_empty(), "branches that do not fit: {:?}", self.problems);
        if self.leaves.is_empty() {
            return Ok(());
        }
        ensure!(self.without.is_empty(), "layers without a branch: {:?}", self.without);
        ensure!(self.attached == self.leaves.len(), "{} of {} placed", self.attached, self.leaves.len());
        println!("branches {}", self.attached);
        Ok(())
    }

    /// The gradients of Σ output · direction.
    pub(crate) fn gradients(&self, output: &Tensor, direction: Option<&Tensor>) -> Result<Tensors> {
        let Some(direction) = direction else { return Ok(Tensors::new()) };
        let leaves: Vec<&Tensor> = self.leaves.values().flat_map(|(a, b)| [a, b]).collect();
        let loss = output.f_mul(direction)?.f_sum(None)?;
        let gradients = Tensor::f_run_backward(&[loss], &leaves, false, false)?;
        let names = self.leaves.keys().flat_map(|layer| [format!("a.{layer}"), format!("b.{layer}")]);
        Ok(names.zip(gradients).collect())
    }
}

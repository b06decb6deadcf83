//! Low-rank adapters on frozen linear layers: `y = x·Wᵀ + (α/r)·(x·Aᵀ)·Bᵀ`, forward and by-hand backward.
//!
//! A `[r, in]`, B `[out, r]` and their gradients are views into the flat buffers of an [`AdapterSet`](super::AdapterSet). They stay in
//! fp32 whatever the base's precision; with a bf16 base the branch is computed in fp32 and the sum rounded once, as
//! PEFT does.

use std::cell::OnceCell;

use tch::{Kind, TchError, Tensor};

use crate::models::frozen_weight::FrozenWeight;

/// One adapter's matrices, gradients and scale.
#[derive(Debug)]
pub struct Adapter {
    /// A, `[r, in]`.
    pub a: Tensor,
    /// B, `[out, r]`.
    pub b: Tensor,
    /// The gradient of A, added to by every backward pass.
    pub gradient_a: Tensor,
    /// The gradient of B.
    pub gradient_b: Tensor,
    /// α/r.
    pub scale: f64,
}

/// The input `[rows, in]` of one or several linear layers, with its fp32 copy made at most once.
#[derive(Debug)]
pub struct Input {
    x: Tensor,
    single: OnceCell<Tensor>,
}

impl Input {
    /// Wraps `x`.
    pub fn new(x: Tensor) -> Self {
        Self { x, single: OnceCell::new() }
    }

    /// The input as it is.
    pub fn tensor(&self) -> &Tensor {
        &self.x
    }

    fn single(&self) -> Result<&Tensor, TchError> {
        if let Some(single) = self.single.get() {
            return Ok(single);
        }
        let single = in_single(&self.x)?;
        Ok(self.single.get_or_init(|| single))
    }
}

/// What a layer's backward pass needs of its forward pass: `x·Aᵀ`, `[rows, r]`, where there is an adapter.
#[derive(Debug)]
pub struct Saved(Option<Tensor>);

/// A linear layer without bias: frozen weight, perhaps an adapter.
#[derive(Debug)]
pub struct LoraLinear {
    /// The frozen weight.
    pub weight: FrozenWeight,
    /// The adapter, if this layer is a target.
    pub adapter: Option<Adapter>,
}

impl LoraLinear {
    /// A layer without an adapter.
    pub fn frozen(weight: FrozenWeight) -> Self {
        Self { weight, adapter: None }
    }

    /// The output `[rows, out]`.
    pub fn forward(&self, input: &Input) -> Result<(Tensor, Saved), TchError> {
        let y = self.weight.forward(input.tensor())?;
        self.add_branch(input, y)
    }

    /// `sum` plus the output: the residual connection in the same product.
    pub fn forward_onto(&self, input: &Input, sum: &Tensor) -> Result<(Tensor, Saved), TchError> {
        let y = self.weight.forward_onto(input.tensor(), sum)?;
        self.add_branch(input, y)
    }

    fn add_branch(&self, input: &Input, mut y: Tensor) -> Result<(Tensor, Saved), TchError> {
        let Some(adapter) = &self.adapter else { return Ok((y, Saved(None))) };
        let narrow = input.single()?.f_mm(&adapter.a.f_numpy_t()?)?;
        let scaled = narrow.f_mul_scalar(adapter.scale)?;
        let kind = y.kind();
        if kind == Kind::Float {
            let _ = y.f_addmm_(&scaled, &adapter.b.f_numpy_t()?)?;
        } else {
            let branch = scaled.f_mm(&adapter.b.f_numpy_t()?)?;
            y = branch.f_add(&y)?.f_totype(kind)?;
        }
        Ok((y, Saved(Some(scaled))))
    }

    /// Adds this layer's adapter gradients for the output gradient `dy`, and the input gradient onto `dx` (none: it
    /// becomes `dx`). `input` is the forward pass's.
    pub fn backward(
        &self,
        dy: &Tensor,
        input: &Input,
        saved: &Saved,
        dx: Option<Tensor>,
    ) -> Result<Tensor, TchError> {
        let dx = match dx {
            None => self.weight.backward_input(dy)?,
            Some(mut dx) => {
                self.weight.add_backward_input(dy, &mut dx)?;
                dx
            }
        };
        match self.backward_adapter(dy, input, saved)? {
            None => Ok(dx),
            Some(narrow) => self.add_branch_gradient(&narrow, dx),
        }
    }

    /// Adds the adapter's gradients only, where nothing below the layer is trained. Returns the gradient of `x·Aᵀ`.
    pub fn backward_adapter(
        &self,
        dy: &Tensor,
        input: &Input,
        saved: &Saved,
    ) -> Result<Option<Tensor>, TchError> {
        let (Some(adapter), Saved(Some(scaled))) = (&self.adapter, saved) else { return Ok(None) };
        let dy = in_single(dy)?;
        let _ = adapter.gradient_b.shallow_clone().f_addmm_(&dy.f_numpy_t()?, scaled)?;
        let narrow = dy.f_mm(&adapter.b)?.f_mul_scalar_(adapter.scale)?;
        let _ = adapter.gradient_a.shallow_clone().f_addmm_(&narrow.f_numpy_t()?, input.single()?)?;
        Ok(Some(narrow))
    }

    fn add_branch_gradient(&self, narrow: &Tensor, mut dx: Tensor) -> Result<Tensor, TchError> {
        let Some(adapter) = &self.adapter else { return Ok(dx) };
        let kind = dx.kind();
        if kind == Kind::Float {
            let _ = dx.f_addmm_(narrow, &adapter.a)?;
            return Ok(dx);
        }
        dx.f_add(&narrow.f_mm(&adapter.a)?.f_totype(kind)?)
    }
}

fn in_single(x: &Tensor) -> Result<Tensor, TchError> {
    if x.kind() == Kind::Float { Ok(x.shallow_clone()) } else { x.f_totype(Kind::Float) }
}

//! Frozen weights of linear layers behind one type, so that other storage forms join without touching a model.

use tch::{TchError, Tensor};

/// The weight `[out, in]` of a linear layer that is never trained.
#[derive(Debug)]
pub enum FrozenWeight {
    /// Plain numbers in the precision of the forward pass.
    Dense(Tensor),
}

impl FrozenWeight {
    /// `x · Wᵀ` for `x` of shape `[rows, in]`.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor, TchError> {
        match self {
            Self::Dense(weight) => x.f_mm(&weight.f_numpy_t()?),
        }
    }

    /// `sum + x · Wᵀ`, in one product.
    pub fn forward_onto(&self, x: &Tensor, sum: &Tensor) -> Result<Tensor, TchError> {
        match self {
            Self::Dense(weight) => sum.f_addmm(x, &weight.f_numpy_t()?),
        }
    }

    /// The gradient `dy · W` of the input, for `dy` of shape `[rows, out]`.
    pub fn backward_input(&self, dy: &Tensor) -> Result<Tensor, TchError> {
        match self {
            Self::Dense(weight) => dy.f_mm(weight),
        }
    }

    /// Adds `dy · W` onto `dx`.
    pub fn add_backward_input(&self, dy: &Tensor, dx: &mut Tensor) -> Result<(), TchError> {
        match self {
            Self::Dense(weight) => dx.f_addmm_(dy, weight).map(drop),
        }
    }

    /// The rows `ids` of the weight, for an embedding table.
    pub fn rows(&self, ids: &Tensor) -> Result<Tensor, TchError> {
        match self {
            Self::Dense(weight) => weight.f_index_select(0, ids),
        }
    }

    /// A second handle on the same numbers, for a head tied to the embedding.
    #[must_use]
    pub fn shared(&self) -> Self {
        match self {
            Self::Dense(weight) => Self::Dense(weight.shallow_clone()),
        }
    }

    /// `(out, in)`.
    pub fn size(&self) -> Result<(i64, i64), TchError> {
        match self {
            Self::Dense(weight) => weight.size2(),
        }
    }
}

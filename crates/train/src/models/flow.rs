//! How the blocks of a network are run: at once, or on a [`Tape`](super::tape::Tape) that computes them again in the
//! backward pass. A network says once how its blocks hang together, by these terms.

use tch::{TchError, Tensor};

use crate::adapters::autograd::Context;

/// What a block takes and gives: a tensor, and where it stands on the tape.
#[derive(Debug)]
pub struct Value {
    pub(super) tensor: Tensor,
    pub(super) number: usize,
}

impl Value {
    /// The numbers.
    pub fn tensor(&self) -> &Tensor {
        &self.tensor
    }

    /// A second handle on the same value.
    #[must_use]
    pub fn share(&self) -> Self {
        Self { tensor: self.tensor.shallow_clone(), number: self.number }
    }
}

/// Runs the blocks of a network whose parts live for `'a`.
pub trait Flow<'a> {
    /// A value that no gradient is asked for, such as what goes into the network.
    fn constant(&mut self, tensor: Tensor) -> Value;

    /// Runs `block` on different values. The block must give the same whenever it is called with the same numbers.
    fn run<const N: usize>(
        &mut self,
        inputs: [&Value; N],
        block: impl Fn([&Tensor; N], &Context<'_>) -> Result<Tensor, TchError> + 'a,
    ) -> Result<Value, TchError>;

    /// Likewise for a number of values that is not known beforehand.
    fn run_on_all(
        &mut self,
        inputs: &[Value],
        block: impl Fn(&[&Tensor], &Context<'_>) -> Result<Tensor, TchError> + 'a,
    ) -> Result<Value, TchError>;
}

/// Runs every block at once; autograd sees all of it where gradients are on.
#[derive(Clone, Copy)]
pub struct Direct<'c>(pub &'c Context<'c>);

impl Direct<'_> {
    fn value(tensor: Tensor) -> Value {
        Value { tensor, number: 0 }
    }
}

impl<'a> Flow<'a> for Direct<'_> {
    fn constant(&mut self, tensor: Tensor) -> Value {
        Self::value(tensor)
    }

    fn run<const N: usize>(
        &mut self,
        inputs: [&Value; N],
        block: impl Fn([&Tensor; N], &Context<'_>) -> Result<Tensor, TchError> + 'a,
    ) -> Result<Value, TchError> {
        block(inputs.map(Value::tensor), self.0).map(Self::value)
    }

    fn run_on_all(
        &mut self,
        inputs: &[Value],
        block: impl Fn(&[&Tensor], &Context<'_>) -> Result<Tensor, TchError> + 'a,
    ) -> Result<Value, TchError> {
        let tensors: Vec<&Tensor> = inputs.iter().map(Value::tensor).collect();
        block(&tensors, self.0).map(Self::value)
    }
}

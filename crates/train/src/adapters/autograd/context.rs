//! What a forward pass needs besides its input.

use std::cell::RefCell;

use tch::{TchError, Tensor};

/// By how much every branch's scale is multiplied.
#[derive(Clone, Copy, Debug, Default)]
pub enum Strength<'a> {
    /// Not at all.
    #[default]
    One,
    /// By a number that is fixed for this pass.
    Number(f64),
    /// By a tensor without dimensions on the layers' device: its value may change without a new graph.
    Tensor(&'a Tensor),
}

/// Which of a branch's three dropouts a mask is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MaskPart {
    /// Single numbers of the branch's input.
    Input,
    /// Whole rows of A, drawn for each sample.
    Rank,
    /// The whole branch.
    Module,
}

/// Where dropout masks come from. A mask should follow from the step, the layer and the part alone, so that a resumed
/// training draws the same ones.
pub trait Masks {
    /// A tensor of the given size, with the number type and on the device of `like`: 0 where something is left out
    /// (with probability `rate`), else 1. The branch itself divides by the share that is kept.
    fn keep(
        &self,
        layer: u32,
        part: MaskPart,
        rate: f64,
        size: &[i64],
        like: &Tensor,
    ) -> Result<Tensor, TchError>;
}

/// What a forward pass needs besides its input.
#[derive(Clone, Copy, Default)]
pub struct Context<'a> {
    /// Whether the branches are left out: the base model's own output.
    pub base_only: bool,
    /// By how much every branch's scale is multiplied.
    pub strength: Strength<'a>,
    /// The dropout masks; without them nothing is dropped, whatever a branch's rates say.
    pub masks: Option<&'a dyn Masks>,
    /// Where branches write down the leaves that they use.
    pub used: Option<&'a RefCell<Vec<Tensor>>>,
}

impl Context<'_> {
    /// The base model without its branches.
    #[must_use]
    pub fn base() -> Self {
        Self { base_only: true, ..Self::default() }
    }
}

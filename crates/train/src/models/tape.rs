//! Gradient checkpointing: blocks run without autograd, and only what goes into each is kept; the backward pass goes
//! through them from the last to the first, runs each again with autograd, and asks for its gradients (Chen et al.,
//! "Training deep nets with sublinear memory cost", 2016). At most one block's inner numbers are held at a time.
//!
//! Gradients have the bits of the pass without a tape: sums of several uses of a value are formed in the same order.

use std::cell::RefCell;
use std::fmt;

use tch::{TchError, Tensor};

use super::flow::{Flow, Value};
use crate::adapters::autograd::Context;

type Block<'a> = Box<dyn Fn(&[&Tensor], &Context<'_>) -> Result<Tensor, TchError> + 'a>;

/// Takes a trained leaf and its gradient. A leaf that several blocks use comes once for each, the last block first.
pub type GradientSink<'s> = &'s mut dyn FnMut(&Tensor, Tensor) -> Result<(), TchError>;

/// What was run, so that it can be run again.
pub struct Tape<'a> {
    context: Context<'a>,
    values: Vec<Kept>,
    segments: Vec<Segment<'a>>,
}

/// A value between blocks.
struct Kept {
    tensor: Tensor,
    /// What the blocks gone through so far give for it.
    gradient: Option<Tensor>,
    /// Whether anything that is trained lies before it.
    is_trained: bool,
}

/// A block as it was run.
struct Segment<'a> {
    block: Block<'a>,
    inputs: Vec<usize>,
    output: usize,
    /// The trained leaves that it uses.
    leaves: Vec<Tensor>,
}

impl fmt::Debug for Tape<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tape({} values, {} segments)", self.values.len(), self.segments.len())
    }
}

impl<'a> Flow<'a> for Tape<'a> {
    fn constant(&mut self, tensor: Tensor) -> Value {
        self.keep(tensor, false)
    }

    fn run<const N: usize>(
        &mut self,
        inputs: [&Value; N],
        block: impl Fn([&Tensor; N], &Context<'_>) -> Result<Tensor, TchError> + 'a,
    ) -> Result<Value, TchError> {
        let block = move |tensors: &[&Tensor], context: &Context<'_>| match tensors.try_into() {
            Ok(tensors) => block(tensors, context),
            Err(_) => Err(TchError::Kind(format!("a block of {N} inputs was given {}", tensors.len()))),
        };
        self.record(inputs.iter().map(|value| value.number).collect(), Box::new(block))
    }

    fn run_on_all(
        &mut self,
        inputs: &[Value],
        block: impl Fn(&[&Tensor], &Context<'_>) -> Result<Tensor, TchError> + 'a,
    ) -> Result<Value, TchError> {
        self.record(inputs.iter().map(|value| value.number).collect(), Box::new(block))
    }
}

impl<'a> Tape<'a> {
    /// An empty tape, whose blocks all see `context`.
    pub fn new(context: Context<'a>) -> Self {
        Self { context, values: Vec::new(), segments: Vec::new() }
    }

    fn keep(&mut self, tensor: Tensor, is_trained: bool) -> Value {
        let number = self.values.len();
        self.values.push(Kept { tensor: tensor.shallow_clone(), gradient: None, is_trained });
        Value { tensor, number }
    }

    fn record(&mut self, inputs: Vec<usize>, block: Block<'a>) -> Result<Value, TchError> {
        let used = RefCell::default();
        let tensors: Vec<&Tensor> = inputs.iter().map(|number| &self.values[*number].tensor).collect();
        let output = {
            let context = Context { used: Some(&used), ..self.context };
            tch::no_grad(|| block(&tensors, &context))?
        };
        let leaves = used.into_inner();
        let is_trained = !leaves.is_empty() || inputs.iter().any(|number| self.values[*number].is_trained);
        let value = self.keep(output, is_trained);
        self.segments.push(Segment { block, inputs, output: value.number, leaves });
        Ok(value)
    }

    /// Goes back from `output`, whose gradient is given, and hands the gradients of all leaves to `sink`.
    pub fn backward(
        mut self,
        output: &Value,
        gradient: Tensor,
        sink: GradientSink<'_>,
    ) -> Result<(), TchError> {
        if let Some(kept) = self.values.get_mut(output.number) {
            kept.gradient = Some(gradient);
        }
        while let Some(segment) = self.segments.pop() {
            self.go_back(&segment, sink)?;
            // Nothing that is left comes after what this segment gave.
            self.values.truncate(segment.output);
        }
        Ok(())
    }

    /// Runs a segment again and takes its gradients.
    fn go_back(&mut self, segment: &Segment<'_>, sink: GradientSink<'_>) -> Result<(), TchError> {
        let Kept { gradient, is_trained: true, .. } = &mut self.values[segment.output] else { return Ok(()) };
        let Some(gradient) = gradient.take() else { return Ok(()) };
        let inputs = segment
            .inputs
            .iter()
            .map(|number| {
                let kept = &self.values[*number];
                kept.tensor.f_detach()?.f_requires_grad_(kept.is_trained)
            })
            .collect::<Result<Vec<Tensor>, TchError>>()?;
        let sum = tch::with_grad(|| self.weighted_sum(segment, &inputs, &gradient))?;
        let trained: Vec<usize> =
            (0..inputs.len()).filter(|at| self.values[segment.inputs[*at]].is_trained).collect();
        let targets: Vec<&Tensor> = trained.iter().map(|at| &inputs[*at]).chain(&segment.leaves).collect();
        let mut gradients = Tensor::f_run_backward(&[sum], &targets, false, false)?.into_iter();
        for (at, gradient) in trained.into_iter().zip(gradients.by_ref()) {
            self.values[segment.inputs[at]].gradient = gradient.defined().then_some(gradient);
        }
        for (leaf, gradient) in segment.leaves.iter().zip(gradients) {
            if gradient.defined() {
                sink(leaf, gradient)?;
            }
        }
        Ok(())
    }

    /// A number whose gradients are those asked for: `Σ output · gradient`, as tch has no way to begin with another
    /// gradient than 1. What later blocks gave for an input joins in the same way and last, for autograd begins with
    /// what came last: so it adds up as if all blocks were one graph.
    fn weighted_sum(
        &self,
        segment: &Segment<'_>,
        inputs: &[Tensor],
        gradient: &Tensor,
    ) -> Result<Tensor, TchError> {
        let weighted = |value: &Tensor, gradient: &Tensor| value.f_mul(gradient)?.f_sum(value.kind());
        let tensors: Vec<&Tensor> = inputs.iter().collect();
        let mut sum = weighted(&(segment.block)(&tensors, &self.context)?, gradient)?;
        for (number, input) in segment.inputs.iter().zip(inputs) {
            if let Some(earlier) = &self.values[*number].gradient {
                sum = sum.f_add(&weighted(input, earlier)?)?;
            }
        }
        Ok(sum)
    }
}

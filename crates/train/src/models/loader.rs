//! From a source of weights to layers on the device.

use std::cell::RefCell;
use std::collections::BTreeSet;

use loradeck_data::base_model::{WeightData, WeightView};
use loradeck_data::safetensors::DataType;
use tch::{Device, Kind, TchError, Tensor};

use super::blocks::{GroupNorm, LayerNorm};
use super::source::WeightSource;
use crate::adapters::autograd::{AutogradConv2d, AutogradLinear};

/// Why a model could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The source does not have a weight, or cannot read it.
    #[error("cannot load the weight '{name}': {problem}")]
    Source {
        /// The weight's name.
        name: String,
        /// The source's words.
        problem: String,
    },
    /// A weight has another shape than the configuration says.
    #[error(
        "the weight '{name}' has the shape {found:?}, but by the model's config.json it is {expected:?}: the two \
         belong to different models"
    )]
    Shape {
        /// The weight's name.
        name: String,
        /// Its shape.
        found: Vec<usize>,
        /// The shape that the configuration calls for.
        expected: Vec<usize>,
    },
    /// The configuration contradicts itself.
    #[error("the {component}'s config.json cannot be right: {problem}")]
    Config {
        /// The folder of the component.
        component: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// libtorch refused, most likely for lack of memory.
    #[error("cannot load the weight '{name}': {source}")]
    Torch {
        /// The weight's name.
        name: String,
        /// libtorch's answer.
        source: TchError,
    },
}

/// The sizes of a convolution.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConvShape {
    /// Channels that go in and come out.
    pub(crate) channels: (usize, usize),
    /// Height and width of the kernel.
    pub(crate) kernel: usize,
    /// Stride both ways.
    pub(crate) stride: usize,
    /// Zeros put around what goes in.
    pub(crate) padding: usize,
}

impl ConvShape {
    /// A convolution that keeps height and width.
    pub(crate) fn same(inputs: usize, outputs: usize, kernel: usize) -> Self {
        Self { channels: (inputs, outputs), kernel, stride: 1, padding: kernel / 2 }
    }
}

/// Loads weights of one number type onto one device, holds their shapes against what is expected, and remembers which
/// names were asked for, so that left-over weights can be told.
pub struct Loader<'a> {
    source: &'a dyn WeightSource,
    kind: Kind,
    device: Device,
    used: RefCell<BTreeSet<String>>,
}

impl<'a> Loader<'a> {
    /// A loader of `source`'s weights as `kind` onto `device`.
    pub fn new(source: &'a dyn WeightSource, kind: Kind, device: Device) -> Self {
        Self { source, kind, device, used: RefCell::default() }
    }

    /// The device that weights are loaded onto.
    pub fn device(&self) -> Device {
        self.device
    }

    /// The names that were loaded.
    pub fn used(&self) -> BTreeSet<String> {
        self.used.borrow().clone()
    }

    /// The weight `name`, which must have the shape `expected`. The tensor owns its numbers.
    pub fn tensor(&self, name: &str, expected: &[usize]) -> Result<Tensor, LoadError> {
        let view = self
            .source
            .weight(name)
            .map_err(|problem| LoadError::Source { name: name.to_owned(), problem })?;
        if view.shape != expected {
            let expected = expected.to_vec();
            return Err(LoadError::Shape { name: name.to_owned(), found: view.shape, expected });
        }
        let tensor =
            self.place(&view).map_err(|source| LoadError::Torch { name: name.to_owned(), source })?;
        self.used.borrow_mut().insert(name.to_owned());
        Ok(tensor)
    }

    fn place(&self, view: &WeightView) -> Result<Tensor, TchError> {
        let size: Vec<i64> = view.shape.iter().map(|length| *length as i64).collect();
        let tensor = match &view.data {
            WeightData::Expanded(values) => Tensor::f_from_slice(values)?.f_view(size.as_slice())?,
            WeightData::Stored(bytes) => Tensor::f_from_data_size(bytes, &size, stored_kind(view.dtype))?,
        };
        tensor.f_to_device_(self.device, self.kind, false, false)
    }

    /// A linear layer without bias.
    pub(crate) fn linear_without_bias(
        &self,
        module: &str,
        inputs: usize,
        outputs: usize,
    ) -> Result<AutogradLinear, LoadError> {
        let weight = self.tensor(&format!("{module}.weight"), &[outputs, inputs])?;
        Ok(AutogradLinear::frozen(weight, None))
    }

    /// A linear layer with bias.
    pub(crate) fn linear(
        &self,
        module: &str,
        inputs: usize,
        outputs: usize,
    ) -> Result<AutogradLinear, LoadError> {
        let weight = self.tensor(&format!("{module}.weight"), &[outputs, inputs])?;
        let bias = self.tensor(&format!("{module}.bias"), &[outputs])?;
        Ok(AutogradLinear::frozen(weight, Some(bias)))
    }

    /// A convolution with bias.
    pub(crate) fn conv(&self, module: &str, shape: ConvShape) -> Result<AutogradConv2d, LoadError> {
        let (inputs, outputs) = shape.channels;
        let weight =
            self.tensor(&format!("{module}.weight"), &[outputs, inputs, shape.kernel, shape.kernel])?;
        let bias = self.tensor(&format!("{module}.bias"), &[outputs])?;
        Ok(AutogradConv2d::frozen(weight, Some(bias), shape.stride as i64, shape.padding as i64))
    }

    /// A group norm over `channels` channels.
    pub(crate) fn group_norm(
        &self,
        module: &str,
        groups: usize,
        channels: usize,
        epsilon: f64,
    ) -> Result<GroupNorm, LoadError> {
        let (weight, bias) = self.affine(module, channels)?;
        Ok(GroupNorm { groups: groups as i64, weight, bias, epsilon })
    }

    /// A layer norm over the last `width` numbers.
    pub(crate) fn layer_norm(
        &self,
        module: &str,
        width: usize,
        epsilon: f64,
    ) -> Result<LayerNorm, LoadError> {
        let (weight, bias) = self.affine(module, width)?;
        Ok(LayerNorm { weight, bias, epsilon })
    }

    fn affine(&self, module: &str, width: usize) -> Result<(Tensor, Tensor), LoadError> {
        let weight = self.tensor(&format!("{module}.weight"), &[width])?;
        Ok((weight, self.tensor(&format!("{module}.bias"), &[width])?))
    }
}

fn stored_kind(dtype: DataType) -> Kind {
    match dtype {
        DataType::F32 => Kind::Float,
        DataType::F16 => Kind::Half,
        DataType::BF16 => Kind::BFloat16,
    }
}

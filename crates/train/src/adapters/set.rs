//! All adapters of a model in one flat fp32 buffer, their gradients in another: one norm, one update, one copy.

use loradeck_data::random::lora_kaiming;
use tch::{Device, Kind, TchError, Tensor};

/// Where one adapter sits and how large it is.
#[derive(Clone, Debug, PartialEq)]
pub struct AdapterSite {
    /// The name of the layer that carries it.
    pub module: String,
    /// The layer's place among all that could carry one, whichever are targets: the seed of its first values.
    pub number: usize,
    /// The shape of A: `[r, in]`, for a convolution `[r, in, k, k]`.
    pub a_shape: Vec<i64>,
    /// The shape of B: `[out, r]`, for a convolution `[out, r, 1, 1]`.
    pub b_shape: Vec<i64>,
    /// What the product is multiplied by: alpha / r.
    pub scale: f64,
}

impl AdapterSite {
    /// An adapter of rank `rank` on a linear layer.
    pub fn linear(module: String, number: usize, size: (i64, i64), rank: i64, alpha: f64) -> Self {
        let (outputs, inputs) = size;
        let scale = alpha / rank as f64;
        Self { module, number, a_shape: vec![rank, inputs], b_shape: vec![outputs, rank], scale }
    }

    /// The rank r.
    pub fn rank(&self) -> i64 {
        self.a_shape.first().copied().unwrap_or(0)
    }

    fn a_numbers(&self) -> i64 {
        self.a_shape.iter().product()
    }

    fn numbers(&self) -> i64 {
        self.a_numbers() + self.b_shape.iter().product::<i64>()
    }
}

/// The two matrices of an adapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matrix {
    /// The first, which reduces to r numbers.
    A,
    /// The second, which begins as zero.
    B,
}

/// A matrix' name in files: from its layer's name.
pub type Naming = fn(module: &str, matrix: Matrix) -> String;

/// The adapters of a model.
#[derive(Debug)]
pub struct AdapterSet {
    /// All A and B, fp32, adapter after adapter.
    pub parameters: Tensor,
    /// Their gradients in the same order.
    pub gradients: Tensor,
    sites: Vec<AdapterSite>,
    starts: Vec<i64>,
    naming: Naming,
}

impl AdapterSet {
    /// Makes adapters for `sites`. A is drawn from U(−1/√in, 1/√in) (`in`: numbers that one output of A sums over) by
    /// `seed` and the site's number alone, B is zero: equal on every device.
    pub fn new(sites: Vec<AdapterSite>, seed: u64, naming: Naming, device: Device) -> Result<Self, TchError> {
        let mut total = 0;
        let mut starts = Vec::with_capacity(sites.len());
        for site in &sites {
            starts.push(total);
            total += site.numbers();
        }
        let flat = || Tensor::f_zeros([total], (Kind::Float, device));
        let set = Self { parameters: flat()?, gradients: flat()?, sites, starts, naming };
        set.initialise(seed)?;
        Ok(set)
    }

    fn initialise(&self, seed: u64) -> Result<(), TchError> {
        for (index, site) in self.sites.iter().enumerate() {
            let rank = site.rank();
            let inputs = site.a_numbers() / rank.max(1);
            let values = lora_kaiming(seed, site.number as u32, rank as usize, inputs as usize);
            self.view(&self.parameters, index, Matrix::A)?
                .f_view([-1])?
                .f_copy_(&Tensor::f_from_slice(&values)?)?;
        }
        Ok(())
    }

    /// One matrix of adapter `index` in `flat` (parameters, or a buffer of the same order): a view.
    pub fn view(&self, flat: &Tensor, index: usize, matrix: Matrix) -> Result<Tensor, TchError> {
        let (site, start) = (&self.sites[index], self.starts[index]);
        let (start, shape) = match matrix {
            Matrix::A => (start, &site.a_shape),
            Matrix::B => (start + site.a_numbers(), &site.b_shape),
        };
        flat.f_narrow(0, start, shape.iter().product())?.f_view(shape.as_slice())
    }

    /// Trained numbers in all.
    pub fn count(&self) -> u64 {
        self.parameters.numel() as u64
    }

    /// The adapters' places, in the order of the model's layers.
    pub fn sites(&self) -> &[AdapterSite] {
        &self.sites
    }

    /// Where adapter `index` begins in the buffers and how many numbers it has.
    pub fn range(&self, index: usize) -> (i64, i64) {
        (self.starts[index], self.sites[index].numbers())
    }

    /// Every matrix of `flat` (parameters, or a buffer of the same order) under its name in files, views into it.
    pub fn named(&self, flat: &Tensor) -> Result<Vec<(String, Tensor)>, TchError> {
        let mut named = Vec::with_capacity(2 * self.sites.len());
        for (index, site) in self.sites.iter().enumerate() {
            for matrix in [Matrix::A, Matrix::B] {
                named.push(((self.naming)(&site.module, matrix), self.view(flat, index, matrix)?));
            }
        }
        Ok(named)
    }

    /// Forgets the gradients of the last step.
    pub fn zero_gradients(&mut self) -> Result<(), TchError> {
        self.gradients.f_zero_().map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(module: &str, matrix: Matrix) -> String {
        format!("{module}.{matrix:?}")
    }

    #[test]
    fn adapters_lie_one_after_another_and_begin_as_no_change() {
        let convolution = AdapterSite {
            module: "conv".into(),
            number: 5,
            a_shape: vec![2, 3, 3, 3],
            b_shape: vec![4, 2, 1, 1],
            scale: 1.0,
        };
        let sites = vec![AdapterSite::linear("q".into(), 0, (6, 5), 2, 4.0), convolution];
        let set = AdapterSet::new(sites, 1, name, Device::Cpu).unwrap();
        assert_eq!((set.count(), set.range(1)), (2 * 5 + 6 * 2 + 54 + 8, (22, 62)));
        assert!((set.sites()[0].scale - 2.0).abs() < 1e-12);
        let named = set.named(&set.parameters).unwrap();
        let shapes: Vec<_> = named.iter().map(|(name, tensor)| (name.as_str(), tensor.size())).collect();
        assert_eq!(shapes[1], ("q.B", vec![6, 2]));
        assert_eq!(shapes[2], ("conv.A", vec![2, 3, 3, 3]));
        for (name, tensor) in &named {
            let largest = tensor.abs().max().double_value(&[]);
            let bound = if name.ends_with('B') { 0.0 } else { 1.0 / (5f64).sqrt() };
            assert!(largest <= bound && (largest > 0.0) == name.ends_with('A'), "{name} {largest}");
        }
        let bound = 1.0 / (27f64).sqrt();
        assert!(named[2].1.abs().max().double_value(&[]) <= bound);
    }
}

//! From samples to a micro-batch on the device, through buffers that stay where they are.

use loradeck_data::sample::Sample;
use tch::{Device, Kind, TchError, Tensor};

use crate::models::llama::{Layout, MicroBatch, Packing, Targets};

/// How the rows of a micro-batch are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// No rows for padding: nothing is computed for it. Best where launches are cheap.
    Packed,
    /// Every sample padded to a common length, a multiple of this, and targets likewise: few different shapes.
    Rectangle(usize),
}

/// A micro-batch in host memory.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct HostBatch {
    ids: Vec<i64>,
    positions: Vec<i64>,
    row_of_place: Vec<i64>,
    place_of_row: Vec<i64>,
    target_rows: Vec<i64>,
    labels: Vec<i64>,
    real_targets: usize,
    tokens: usize,
    samples: usize,
    length: usize,
    packed: bool,
}

impl HostBatch {
    /// Lays out `samples`, at least one, each with at least one token.
    pub fn new(samples: &[&Sample], padding: Padding, pad_id: u32) -> Self {
        let longest = samples.iter().map(|sample| sample.ids.len()).max().unwrap_or(0);
        let (length, packed, multiple) = match padding {
            Padding::Packed => (longest, true, 1),
            Padding::Rectangle(multiple) => {
                (longest.next_multiple_of(multiple.max(1)), false, multiple.max(1))
            }
        };
        let mut batch = Self { samples: samples.len(), length, packed, ..Self::default() };
        for (index, sample) in samples.iter().enumerate() {
            batch.add(sample, index, pad_id);
        }
        batch.real_targets = batch.labels.len();
        let padded = batch.real_targets.next_multiple_of(multiple);
        batch.target_rows.resize(padded, 0);
        batch.labels.resize(padded, 0);
        batch
    }

    fn add(&mut self, sample: &Sample, index: usize, pad_id: u32) {
        let first = self.ids.len();
        let count = sample.ids.len();
        self.tokens += count;
        self.ids.extend(sample.ids.iter().map(|id| i64::from(*id)));
        self.positions.extend(0..count as i64);
        for place in 0..self.length {
            self.row_of_place.push(if place < count { (first + place) as i64 } else { 0 });
        }
        self.place_of_row.extend((0..count).map(|token| (index * self.length + token) as i64));
        for next in 1..count {
            if sample.labels_mask.get(next).copied().unwrap_or(false) {
                self.target_rows.push((first + next - 1) as i64);
                self.labels.push(i64::from(sample.ids[next]));
            }
        }
        if !self.packed {
            self.ids.resize(first + self.length, i64::from(pad_id));
            self.positions.extend(count as i64..self.length as i64);
        }
    }

    /// Tokens in the loss.
    pub fn trained_tokens(&self) -> usize {
        self.real_targets
    }

    /// Tokens in all, without padding.
    pub fn tokens(&self) -> usize {
        self.tokens
    }

    /// `(samples, columns)` of the rectangle.
    pub fn shape(&self) -> (usize, usize) {
        (self.samples, self.length)
    }
}

/// Device buffers that every micro-batch is copied into.
#[derive(Debug)]
pub struct InputBuffers {
    ids: Tensor,
    positions: Tensor,
    row_of_place: Tensor,
    place_of_row: Tensor,
    target_rows: Tensor,
    labels: Tensor,
    weights: Tensor,
    factor: Tensor,
}

impl InputBuffers {
    /// Buffers for micro-batches of up to `places` places (samples × columns).
    pub fn new(places: usize, device: Device) -> Result<Self, TchError> {
        let whole = || Tensor::f_zeros([places as i64], (Kind::Int64, device));
        Ok(Self {
            ids: whole()?,
            positions: whole()?,
            row_of_place: whole()?,
            place_of_row: whole()?,
            target_rows: whole()?,
            labels: whole()?,
            weights: Tensor::f_zeros([places as i64], (Kind::Float, device))?,
            factor: Tensor::f_zeros([] as [i64; 0], (Kind::Float, device))?,
        })
    }

    /// Copies `batch` into the buffers; its losses will be multiplied by `factor`. Views into the buffers: the next
    /// call overwrites them.
    pub fn load(&mut self, batch: &HostBatch, factor: f64) -> Result<MicroBatch, TchError> {
        let needed = batch.row_of_place.len().max(batch.labels.len());
        if self.ids.size1()? < needed as i64 {
            *self = Self::new(needed, self.ids.device())?;
        }
        let _ = self.factor.f_fill_(factor)?;
        let real = vec![1f32; batch.real_targets];
        let mut weights = self.weights.f_narrow(0, 0, batch.labels.len() as i64)?;
        let _ = weights.f_zero_()?;
        weights.f_narrow(0, 0, batch.real_targets as i64)?.f_copy_(&Tensor::f_from_slice(&real)?)?;
        let packing = if batch.packed && batch.tokens < batch.row_of_place.len() {
            Some(Packing {
                row_of_place: fill(&self.row_of_place, &batch.row_of_place)?,
                place_of_row: fill(&self.place_of_row, &batch.place_of_row)?,
            })
        } else {
            None
        };
        Ok(MicroBatch {
            ids: fill(&self.ids, &batch.ids)?,
            positions: fill(&self.positions, &batch.positions)?,
            layout: Layout { samples: batch.samples as i64, length: batch.length as i64, packing },
            targets: Targets {
                rows: fill(&self.target_rows, &batch.target_rows)?,
                labels: fill(&self.labels, &batch.labels)?,
                weights,
                factor: self.factor.shallow_clone(),
            },
        })
    }
}

fn fill(buffer: &Tensor, values: &[i64]) -> Result<Tensor, TchError> {
    let mut view = buffer.f_narrow(0, 0, values.len() as i64)?;
    view.f_copy_(&Tensor::f_from_slice(values)?)?;
    Ok(view)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples() -> [Sample; 2] {
        [
            Sample { ids: vec![5, 6, 7], labels_mask: vec![true, false, true] },
            Sample { ids: vec![8], labels_mask: vec![true] },
        ]
    }

    #[test]
    fn packed_rows_leave_padding_out_and_labels_are_shifted_once() {
        let [long, short] = samples();
        let batch = HostBatch::new(&[&long, &short], Padding::Packed, 0);
        assert_eq!(batch.ids, [5, 6, 7, 8]);
        assert_eq!(batch.positions, [0, 1, 2, 0]);
        assert_eq!(batch.row_of_place, [0, 1, 2, 3, 0, 0]);
        assert_eq!(batch.place_of_row, [0, 1, 2, 3]);
        assert_eq!((batch.target_rows.as_slice(), batch.labels.as_slice()), ([1].as_slice(), [7].as_slice()));
        assert_eq!((batch.trained_tokens(), batch.tokens()), (1, 4));
    }

    #[test]
    fn a_rectangle_pads_rows_and_targets_to_the_multiple() {
        let [long, short] = samples();
        let batch = HostBatch::new(&[&long, &short], Padding::Rectangle(4), 9);
        assert_eq!(batch.ids, [5, 6, 7, 9, 8, 9, 9, 9]);
        assert_eq!(batch.target_rows, [1, 0, 0, 0]);
        assert_eq!((batch.trained_tokens(), batch.shape()), (1, (2, 4)));
    }
}

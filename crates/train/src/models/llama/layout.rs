//! Where the rows of a micro-batch stand: linear layers see rows of tokens, attention sees a rectangle
//! `[samples, heads, length, head_dim]`. A packed layout keeps no rows for padding, so that nothing is computed for it.

use tch::{TchError, Tensor};

/// The rectangle of a micro-batch and its rows within it.
#[derive(Debug)]
pub struct Layout {
    /// Samples in the micro-batch.
    pub samples: i64,
    /// Columns of the rectangle: tokens of the longest sample.
    pub length: i64,
    /// The map between rows and rectangle where padding has no rows.
    pub packing: Option<Packing>,
}

/// Index tensors (int64) between packed rows and the rectangle.
#[derive(Debug)]
pub struct Packing {
    /// For each place of the rectangle (`[samples · length]`) its row; 0 for padding.
    pub row_of_place: Tensor,
    /// For each row its place in the rectangle.
    pub place_of_row: Tensor,
}

impl Layout {
    /// `[rows, heads, width]` as the rectangle; padding repeats row 0, which no real token sees.
    pub(crate) fn spread(&self, x: &Tensor) -> Result<Tensor, TchError> {
        match &self.packing {
            None => self.as_rectangle(x),
            Some(packing) => self.as_rectangle(&x.f_index_select(0, &packing.row_of_place)?),
        }
    }

    /// Like [`Layout::spread`], with zeros for padding.
    pub(crate) fn spread_gradient(&self, dy: &Tensor) -> Result<Tensor, TchError> {
        let Some(packing) = &self.packing else { return self.as_rectangle(dy) };
        let (_, heads, width) = dy.size3()?;
        let places = self.samples * self.length;
        let mut out = Tensor::f_zeros([places, heads, width], (dy.kind(), dy.device()))?;
        let _ = out.f_index_copy_(0, &packing.place_of_row, dy)?;
        self.as_rectangle(&out)
    }

    /// The rectangle `[samples, heads, length, width]` as rows `[rows, heads, width]`.
    pub(crate) fn gather(&self, x: &Tensor) -> Result<Tensor, TchError> {
        let (_, heads, _, width) = x.size4()?;
        let places = x.f_transpose(1, 2)?.f_reshape([self.samples * self.length, heads, width])?;
        match &self.packing {
            None => Ok(places),
            Some(packing) => places.f_index_select(0, &packing.place_of_row),
        }
    }

    fn as_rectangle(&self, places: &Tensor) -> Result<Tensor, TchError> {
        let (_, heads, width) = places.size3()?;
        places.f_view([self.samples, self.length, heads, width])?.f_transpose(1, 2)
    }
}

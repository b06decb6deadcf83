//! All state, without any IO: what is known of the runs, and how the user looks at it.

mod charting;
mod document;
mod gallery;
mod groups;
mod list;
mod log;
mod looks;
mod popup;
mod reports;
mod runs;
mod settings;
mod sweeps;
mod table;
mod text_field;

pub use charting::{Charting, SMOOTHING, is_sparse};
pub use document::{Document, DocumentOf};
pub use gallery::{
    Column as GalleryColumn, Drawing, Drawn, Gallery, GalleryRow, PictureFile, RunPictures, Shot, Wish,
};
pub use groups::{SeedGroup, seed_groups};
pub use list::{Group, Item, List, Order, scrolled};
pub use log::Log;
pub use looks::Looks;
pub use popup::{Details, Popup, Prompt, PromptKind, Question};
pub use reports::{Report, Reports};
pub use runs::{QueueView, Runs, SlotView};
pub use settings::{SettingRow, Settings};
pub use sweeps::{Deciding, Rung, Standing, SweepId, SweepView};
pub use table::{Column, ColumnKind, Table, TableRow};
pub use text_field::TextField;

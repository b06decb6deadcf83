//! What of the gallery is in sight.

use ratatui::layout::Rect;

use super::App;
use crate::tui::layout::gallery::{Grid, large};
use crate::tui::state::{Gallery, Shot, Wish};
use crate::tui::theme::Manner;

/// Pixels of a cell where the terminal does not say: about what most have, and twice as high as wide.
const USUAL_CELL: (u16, u16) = (10, 20);

impl App {
    /// The means by which pictures are drawn: those asked for, where they are to be had.
    pub fn manner_at_hand(&self) -> Manner {
        if self.why_not(self.manner).is_some() { Manner::Blocks } else { self.manner }
    }

    /// Why pictures cannot be drawn by these means, if so.
    pub fn why_not(&self, manner: Manner) -> Option<&'static str> {
        match manner {
            Manner::Blocks => self.theme.no_pictures(),
            Manner::Kitty if self.in_tmux => Some("tmux does not pass kitty graphics on"),
            Manner::Sixel if self.cell.is_none() => {
                Some("the terminal does not say how large its cells are, which sixel needs")
            }
            Manner::Kitty | Manner::Sixel => None,
        }
    }

    /// How the gallery's pictures stand.
    pub fn gallery_grid(&self, gallery: &Gallery) -> Grid {
        let widest = gallery.rows.iter().map(|row| &row.prompt).map(|prompt| {
            if prompt.width > 0 && prompt.height > 0 {
                prompt.width as f64 / prompt.height as f64
            } else {
                1.0
            }
        });
        let shape = widest.fold(0.0, f64::max);
        let shape = if shape > 0.0 { shape } else { 1.0 };
        Grid::new(self.areas().body, gallery.rows.len(), gallery.columns.len(), shape)
    }

    /// The pictures in sight and their places, those first that the user looks at.
    pub fn pictures_in_sight(&self) -> Vec<(&Shot, Rect)> {
        let Some(gallery) = &self.gallery else { return Vec::new() };
        if gallery.large {
            let (place, _) = large(self.areas().body);
            return gallery.shot().map(|shot| (shot, place)).into_iter().collect();
        }
        let grid = self.gallery_grid(gallery);
        let mut shots = Vec::new();
        for (line, row) in gallery.rows.iter().skip(gallery.offset.0).take(grid.down).enumerate() {
            let seen = row.shots.iter().skip(gallery.offset.1).take(grid.across).enumerate();
            shots.extend(seen.filter_map(|(column, shot)| Some((shot.as_ref()?, grid.place(line, column)))));
        }
        shots
    }

    /// What is to be drawn for a picture in a place.
    pub fn wish(&self, shot: &Shot, place: Rect) -> Wish {
        Wish {
            file: shot.file.clone(),
            room: (place.width, place.height),
            manner: self.manner_at_hand(),
            cell: self.cell.unwrap_or(USUAL_CELL),
        }
    }
}

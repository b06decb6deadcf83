//! Decodes pictures and draws them for the terminal. Slow where a picture is large: not for the thread of the screen.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::Read as _;
use std::sync::Arc;

use loradeck_data::image::{Picture, decode, half_blocks, kitty, sixel};

use crate::tui::format::bytes;
use crate::tui::state::{Drawing, Drawn, PictureFile, Wish};
use crate::tui::terminal::without_alarm;
use crate::tui::theme::Manner;

/// The largest file that is read, in bytes: sample pictures have a few megabytes at most.
const MOST_BYTES: u64 = 64 << 20;
/// The longest side of the pictures that are kept, in pixels: more than a terminal shows.
const KEPT_SIDE: u32 = 1024;
/// How many pictures are kept decoded: 3 MiB each at most.
const KEPT: usize = 24;

/// Draws, and keeps what was decoded last.
#[derive(Debug, Default)]
pub struct Studio {
    decoded: VecDeque<(PictureFile, Result<Arc<Picture>, String>)>,
}

impl Studio {
    /// Draws what is wished for.
    pub fn draw(&mut self, wish: &Wish) -> Drawn {
        let picture = self.picture(&wish.file)?;
        Ok(Arc::new(drawing(&picture, wish)))
    }

    fn picture(&mut self, file: &PictureFile) -> Result<Arc<Picture>, String> {
        if let Some((_, known)) = self.decoded.iter().find(|(known, _)| known == file) {
            return known.clone();
        }
        let read = without_alarm(|| read(file)).map(Arc::new);
        self.decoded.truncate(KEPT - 1);
        self.decoded.push_front((file.clone(), read.clone()));
        read
    }
}

/// The picture in a file, made smaller where it is larger than any terminal; else why there is none.
fn read(file: &PictureFile) -> Result<Picture, String> {
    let sentence = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => "the file is gone".to_owned(),
        _ => format!("cannot read it: {error}"),
    };
    let about = fs::metadata(&file.path).map_err(sentence)?;
    // Only files: opening a pipe that somebody left there would wait for ever.
    if !about.is_file() {
        return Err("is no file".into());
    }
    if about.len() > MOST_BYTES {
        let (found, most) = (bytes(about.len() as f64), bytes(MOST_BYTES as f64));
        return Err(format!("has {found}; at most {most} are read"));
    }
    let mut contents = Vec::new();
    let opened = File::open(&file.path).map_err(sentence)?;
    opened.take(MOST_BYTES).read_to_end(&mut contents).map_err(sentence)?;
    let picture = decode(&contents, [255; 3]).map_err(|error| error.to_string())?.picture;
    let is_large = picture.width().max(picture.height()) > KEPT_SIDE;
    Ok(if is_large { picture.fitted(KEPT_SIDE, KEPT_SIDE) } else { picture })
}

fn drawing(picture: &Picture, wish: &Wish) -> Drawing {
    let (columns, rows) = wish.room;
    if wish.manner == Manner::Blocks {
        return Drawing::Blocks(half_blocks(picture, columns, rows));
    }
    let cell = (u32::from(wish.cell.0.max(1)), u32::from(wish.cell.1.max(1)));
    let most = (u32::from(columns) * cell.0, u32::from(rows) * cell.1);
    let picture = picture.fitted(most.0, most.1);
    let covered =
        |pixels: u32, of_cell: u32, most: u16| (pixels.div_ceil(of_cell) as u16).clamp(1, most.max(1));
    let size = (covered(picture.width(), cell.0, columns), covered(picture.height(), cell.1, rows));
    let text = match wish.manner {
        // The terminal knows its cells better than we do: without a size it shows pixel for pixel.
        Manner::Kitty => kitty(&picture, size.0, size.1),
        _ => sixel(&picture),
    };
    Drawing::Graphics { text: text.into(), size }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(path: &std::path::Path, room: (u16, u16), manner: Manner) -> Wish {
        Wish { file: PictureFile { path: path.into(), stamp: None }, room, manner, cell: (10, 20) }
    }

    #[test]
    fn pictures_become_cells_or_sequences_that_fit_their_room() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        fs::write(&path, Picture::filled(64, 32, [200, 30, 30]).to_png()).unwrap();
        let mut studio = Studio::default();
        let drawn = studio.draw(&wish(&path, (16, 20), Manner::Blocks)).unwrap();
        let Drawing::Blocks(cells) = &*drawn else { panic!("{drawn:?}") };
        assert_eq!((cells.len(), cells[0].len(), cells[0][0].1), (4, 16, [200, 30, 30]));
        for (manner, begins) in
            [(Manner::Kitty, "\x1b_Ga=T,f=100,q=2,c=16,r=4,"), (Manner::Sixel, "\x1bP9;1q")]
        {
            let drawn = studio.draw(&wish(&path, (16, 20), manner)).unwrap();
            let Drawing::Graphics { text, size } = &*drawn else { panic!("{drawn:?}") };
            assert!(text.starts_with(begins) && *size == (16, 4), "{size:?} {}", &text[..40]);
        }
    }

    #[test]
    fn what_is_no_picture_is_told_in_a_line() {
        let folder = tempfile::tempdir().unwrap();
        let mut studio = Studio::default();
        let whole = Picture::filled(64, 64, [1, 2, 3]).to_png();
        let mut bomb = whole.clone();
        // Width and height in the header: 60000 × 60000.
        bomb[16..24].copy_from_slice(&[0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60]);
        for (name, bytes, said) in [
            ("cut.png", &whole[..whole.len() / 2], "is truncated"),
            ("text.png", b"hello".as_slice(), "is not a picture"),
            ("empty.png", b"", "is empty"),
            ("bomb.png", &bomb, ""),
        ] {
            let path = folder.path().join(name);
            fs::write(&path, bytes).unwrap();
            let error = studio.draw(&wish(&path, (8, 4), Manner::Blocks)).unwrap_err();
            assert!(error.contains(said) && !error.contains('\n'), "{name}: {error}");
        }
        let gone = studio.draw(&wish(&folder.path().join("gone.png"), (8, 4), Manner::Blocks));
        assert_eq!(gone.unwrap_err(), "the file is gone");
        let huge = folder.path().join("huge.png");
        File::create(&huge).unwrap().set_len(MOST_BYTES + 1).unwrap();
        assert!(studio.draw(&wish(&huge, (8, 4), Manner::Blocks)).unwrap_err().contains("at most"));
        assert_eq!(studio.draw(&wish(folder.path(), (8, 4), Manner::Blocks)).unwrap_err(), "is no file");
    }

    #[test]
    fn a_picture_is_decoded_once_until_its_file_is_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        fs::write(&path, Picture::filled(4, 4, [9; 3]).to_png()).unwrap();
        let mut studio = Studio::default();
        let first = wish(&path, (4, 4), Manner::Blocks);
        studio.draw(&first).unwrap();
        fs::remove_file(&path).unwrap();
        assert!(studio.draw(&Wish { room: (2, 2), ..first.clone() }).is_ok(), "kept for other sizes");
        let other = PictureFile { stamp: Some((3, None)), ..first.file.clone() };
        assert!(studio.draw(&Wish { file: other, ..first }).is_err(), "another file is read");
    }
}

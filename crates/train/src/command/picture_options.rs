//! What can be said of `sample`'s options for pictures before a model is loaded.

use std::path::{Path, PathBuf};

use crate::cli::PictureArgs;

/// Where the grid goes unless it is said.
const GRID: &str = "grid.png";
/// Beyond these an adapter or the guidance leaves nothing to look at.
const LARGEST: f64 = 100.0;
/// Names that are tried for a grid before one must be given.
const MOST_GRIDS: u32 = 10_000;

/// Refuses options that no picture can be drawn with; `most_steps` is the number of noise levels of the base model.
///
/// # Errors
/// The option, its value and what it can be.
pub(super) fn refuse_useless(given: &PictureArgs, base_only: bool, most_steps: u64) -> Result<(), String> {
    if let Some(steps) = given.steps.filter(|steps| !(1..=most_steps).contains(&u64::from(*steps))) {
        return Err(format!("--steps {steps}: a picture takes from 1 to {most_steps} steps"));
    }
    for weight in &given.weight {
        if !weight.is_finite() || weight.abs() > LARGEST {
            return Err(format!("--weight {weight}: a number from -{LARGEST} to {LARGEST} is expected"));
        }
    }
    if let Some(guidance) = given.guidance.filter(|guidance| !(0.0..=LARGEST).contains(guidance)) {
        return Err(format!("--guidance {guidance}: a number from 0 to {LARGEST} is expected (1 is none)"));
    }
    if base_only && !given.weight.is_empty() {
        return Err("--base-only draws without an adapter, so --weight has nothing to act on".to_owned());
    }
    Ok(())
}

/// The grid's file: the one that is named, if it can be written; else `grid.png` or the first of `grid-2.png` and so on
/// that is not there, so that no earlier grid is lost.
///
/// # Errors
/// Why the file that is named cannot be written.
pub(super) fn grid_path(named: Option<&Path>) -> Result<PathBuf, String> {
    let Some(path) = named else { return free_name(Path::new("")) };
    let shown = path.display();
    if path.is_dir() {
        return Err(format!("-o {shown}: is a folder (hint: -o {})", path.join(GRID).display()));
    }
    refuse_no_folder("-o", path, path.parent())?;
    Ok(path.to_path_buf())
}

/// Refuses a folder for single pictures that cannot be made.
pub(super) fn refuse_pictures_folder(folder: Option<&Path>) -> Result<(), String> {
    match folder {
        Some(folder) if folder.exists() && !folder.is_dir() => {
            Err(format!("--pictures {}: is a file, and a folder is expected", folder.display()))
        }
        _ => Ok(()),
    }
}

fn refuse_no_folder(option: &str, path: &Path, folder: Option<&Path>) -> Result<(), String> {
    match folder.filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir()) {
        Some(folder) => Err(format!("{option} {}: there is no folder {}", path.display(), folder.display())),
        None => Ok(()),
    }
}

fn free_name(folder: &Path) -> Result<PathBuf, String> {
    let first = std::iter::once(GRID.to_owned());
    let mut names = first.chain((2..=MOST_GRIDS).map(|number| format!("grid-{number}.png")));
    let free = names.find(|name| !folder.join(name).exists());
    free.map(|name| folder.join(name)).ok_or_else(|| "name the grid's file with -o FILE.png".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given() -> PictureArgs {
        PictureArgs {
            seed: Vec::new(),
            weight: Vec::new(),
            steps: None,
            guidance: None,
            negative: None,
            output: None,
            pictures: None,
        }
    }

    #[test]
    fn numbers_that_draw_nothing_are_refused_by_their_option() {
        let refused = |given: PictureArgs| refuse_useless(&given, false, 1000).unwrap_err();
        for steps in [0, 1001] {
            let told = refused(PictureArgs { steps: Some(steps), ..given() });
            assert!(told.contains(&format!("--steps {steps}: ")) && told.contains("1000"), "{told}");
        }
        for weight in [f64::NAN, f64::INFINITY, 1e30] {
            assert!(refused(PictureArgs { weight: vec![0.5, weight], ..given() }).starts_with("--weight "));
        }
        for guidance in [f64::NAN, -3.0, f64::INFINITY] {
            let told = refused(PictureArgs { guidance: Some(guidance), ..given() });
            assert!(told.starts_with("--guidance "), "{told}");
        }
        let fine =
            PictureArgs { weight: vec![-1.0, 0.0, 2.0], steps: Some(1), guidance: Some(0.0), ..given() };
        assert_eq!(refuse_useless(&fine, false, 1000), Ok(()));
        assert!(refuse_useless(&fine, true, 1000).unwrap_err().contains("--base-only"));
    }

    #[test]
    fn a_grid_that_cannot_be_written_is_refused_before_it_is_drawn() {
        let folder = tempfile::tempdir().unwrap();
        let told = grid_path(Some(folder.path())).unwrap_err();
        assert!(told.contains("is a folder"), "{told}");
        let told = grid_path(Some(&folder.path().join("no/x.png"))).unwrap_err();
        assert!(told.contains("there is no folder"), "{told}");
        assert!(grid_path(Some(&folder.path().join("x.png"))).is_ok());
        std::fs::write(folder.path().join("a"), "").unwrap();
        assert!(refuse_pictures_folder(Some(&folder.path().join("a"))).is_err());
        assert!(refuse_pictures_folder(Some(&folder.path().join("b/c"))).is_ok());
    }

    #[test]
    fn an_earlier_grid_stays() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(free_name(folder.path()), Ok(folder.path().join("grid.png")));
        std::fs::write(folder.path().join("grid.png"), "").unwrap();
        std::fs::write(folder.path().join("grid-2.png"), "").unwrap();
        assert_eq!(free_name(folder.path()), Ok(folder.path().join("grid-3.png")));
    }
}

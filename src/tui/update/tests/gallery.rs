//! Looking at sample pictures.

use super::mouse;
use crate::store::RunId;
use crate::tui::message::{Effect, Msg};
use crate::tui::sample::{self, Driven, draw_samples};
use crate::tui::screen::Screen;
use crate::tui::terminal::{MouseButton, MouseEventKind};
use crate::tui::theme::{Colours, Theme};
use crate::tui::update::update;
use crate::watch::Change;

fn driven(keys: &str) -> Driven {
    let mut driven = Driven::over(sample::gallery(), 80, 24);
    driven.app.theme = Theme::new(Colours::Many, true);
    driven.press(keys);
    driven
}

fn chosen(driven: &Driven) -> Option<(u64, u64)> {
    let gallery = driven.app.gallery.as_ref()?;
    Some((gallery.row()?.prompt.number, gallery.shot()?.step))
}

fn runs(driven: &Driven) -> Vec<RunId> {
    driven.app.gallery.as_ref().unwrap().runs.clone()
}

#[test]
fn the_newest_pictures_come_first_and_keys_walk_through_them() {
    let mut driven = driven("i");
    assert_eq!(chosen(&driven), Some((1, 60)));
    driven.press("hj");
    assert_eq!(chosen(&driven), Some((2, 50)));
    driven.press("<Home>k");
    assert_eq!(chosen(&driven), Some((1, 0)));
    driven.press("<Enter><Right>");
    assert!(driven.app.gallery.as_ref().unwrap().large);
    assert_eq!(chosen(&driven), Some((1, 10)), "from picture to picture");
    driven.press("GY");
    let Some(Effect::Copy(path)) = driven.effects.pop() else { panic!("{:?}", driven.effects) };
    assert!(path.ends_with("samples/step-60-prompt-1.png"), "{path}");
    driven.press("sKDRta");
    assert!(driven.effects.is_empty() && driven.app.popup.is_none(), "no deeds from here");
    driven.press("<Esc>");
    assert!(!driven.app.gallery.as_ref().unwrap().large);
    driven.press("<Esc>");
    assert!(driven.app.gallery.is_none());
    driven.press("i3");
    assert!(driven.app.gallery.is_none() && driven.app.screen == Screen::Table);
}

#[test]
fn marked_runs_a_heading_and_a_report_lead_to_their_pictures() {
    let one = driven("i");
    assert_eq!(runs(&one).len(), 1);
    let both = runs(&driven("ai"));
    assert_eq!((runs(&driven("<Home>i")), both.len()), (both, 2));
    assert_eq!((runs(&driven("ri")), runs(&driven("<Enter>i"))), (runs(&one), runs(&one)));
    assert_eq!(runs(&driven("<Home>ri")).len(), 2, "of a comparison: its runs");
}

#[test]
fn new_pictures_come_by_themselves() {
    let mut driven = driven("i");
    let run = driven.app.runs.get(runs(&driven)[0]).unwrap().folder.clone();
    draw_samples(&run, 2, 70);
    let mut summary = loradeck_core::run::Summary::read(&run).unwrap().unwrap();
    summary.step = 70;
    let durability = loradeck_core::file::Durability::Renamed;
    loradeck_core::file::replace_json(&run.summary(), &summary, durability).unwrap();
    driven.read(&[Change::Run(run.path().to_path_buf())]);
    assert_eq!(chosen(&driven), Some((1, 70)));
}

#[test]
fn only_what_is_in_sight_is_drawn_and_only_once() {
    let mut driven = driven("");
    let now = driven.now;
    let press = |driven: &mut Driven, key| {
        let effects = update(&mut driven.app, Msg::Key(crate::tui::terminal::key::letter(key)), now);
        effects
            .into_iter()
            .filter_map(|effect| match effect {
                Effect::Draw(wishes) => Some(wishes.len()),
                _ => None,
            })
            .collect::<Vec<_>>()
    };
    driven.press("i");
    assert_eq!(driven.app.gallery.as_ref().unwrap().drawn.len(), 8, "two rows of four");
    assert!(press(&mut driven, 'h').is_empty(), "all of them are drawn already");
    press(&mut driven, 'h');
    press(&mut driven, 'h');
    assert_eq!(press(&mut driven, 'h'), [2], "a column has come into sight");
}

#[test]
fn clicks_choose_and_enlarge() {
    let mut driven = driven("i");
    let click = |column, row| Msg::Mouse(mouse(MouseEventKind::Down(MouseButton::Left), column, row));
    driven.send(click(5, 5));
    assert_eq!(chosen(&driven), Some((1, 30)));
    driven.send(click(5, 5));
    assert!(driven.app.gallery.as_ref().unwrap().large);
    driven.send(Msg::Mouse(mouse(MouseEventKind::ScrollDown, 5, 5)));
    assert_eq!(chosen(&driven), Some((2, 30)));
}

#[test]
fn a_run_without_pictures_says_so() {
    let mut driven = Driven::new(80, 24);
    driven.press("i");
    let gallery = driven.app.gallery.as_ref().unwrap();
    assert!(gallery.rows.is_empty() && !gallery.loading);
    driven.press("<Enter>jlG<Esc>");
    assert!(driven.app.gallery.is_none());
}

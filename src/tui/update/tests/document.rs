//! Reading reports and comparisons.

use crate::tui::message::{Effect, Msg};
use crate::tui::sample::Driven;
use crate::tui::screen::Screen;
use crate::tui::state::DocumentOf;

fn read(driven: &mut Driven, text: &str) -> DocumentOf {
    let Some(Effect::ReadDocument(of)) = driven.effects.pop() else { panic!("it is read") };
    driven.send(Msg::Document { of: of.clone(), text: Ok(text.into()) });
    of
}

#[test]
fn a_report_takes_the_keys_until_it_is_left() {
    let mut driven = Driven::new(120, 40);
    let run = driven.app.run_under_cursor().unwrap();
    driven.press("r");
    assert_eq!(read(&mut driven, &"word\n\n".repeat(100)), DocumentOf::Report(run));
    let offset = |driven: &Driven| driven.app.document.as_ref().unwrap().offset;
    driven.press("jj");
    assert_eq!(offset(&driven), 2);
    driven.press("G");
    let last = offset(&driven);
    assert!(last > 100);
    driven.press("<PgDn>jsKDRtamSz<Tab>");
    assert!(
        offset(&driven) == last && driven.effects.is_empty() && driven.app.popup.is_none(),
        "no deeds from here"
    );
    driven.press("r");
    assert_eq!(read(&mut driven, "short"), DocumentOf::Report(run));
    assert_eq!(offset(&driven), 0, "it is another text now");
    driven.press("q");
    assert!(driven.app.document.is_none() && driven.effects.is_empty(), "q goes back, not out");
    driven.press("r3");
    assert!(driven.app.document.is_none() && driven.app.screen == Screen::Table);
}

#[test]
fn on_a_heading_the_comparison_is_read_and_from_the_story_the_report() {
    let mut driven = Driven::new(120, 40);
    driven.press("<Home>r");
    let of = read(&mut driven, "# all");
    assert_eq!(of, DocumentOf::Comparison { workspace: 0, experiment: "answers".into() });
    driven.press("<Esc>j<Enter>r");
    let run = driven.app.run_under_cursor().unwrap();
    assert!(driven.app.popup.is_none());
    assert!(driven.effects.contains(&Effect::ReadDocument(DocumentOf::Report(run))));
    let other = Msg::Document { of: DocumentOf::Report(driven.sample.ids()[6]), text: Ok("late".into()) };
    driven.send(other);
    assert!(driven.app.document.as_ref().unwrap().loading, "what was asked for before is not shown");
}

#[test]
fn a_report_is_searched_around_its_ends() {
    let mut driven = Driven::new(120, 40);
    driven.press("r");
    read(&mut driven, &format!("Alpha\n\n{}alpha beta\n", "word\n\n".repeat(60)));
    let found = |driven: &Driven| driven.app.document.as_ref().unwrap().found;
    driven.press("/ALPHA<Enter>");
    assert_eq!(found(&driven), Some(0));
    driven.press("n");
    assert_eq!(found(&driven), Some(122));
    driven.press("n");
    assert_eq!(found(&driven), Some(0));
    driven.press("N");
    assert_eq!(found(&driven), Some(122));
    driven.press("/gamma<Enter>");
    assert!(driven.app.reports.current(driven.now).unwrap().text.contains("'gamma' is not in it"));
}

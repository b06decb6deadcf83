//! What keys do to charts.

use super::{charted_names, driven};
use crate::tui::sample::{self, Driven};
use crate::tui::screen::Screen;

#[test]
fn metrics_go_round_and_are_picked_by_typing() {
    let mut driven = driven();
    driven.press("m");
    let next = driven.app.metric();
    driven.press("M");
    assert_eq!(driven.app.metric(), "eval/loss");
    assert_ne!(next, "eval/loss");
    driven.press("ptok<Enter>");
    assert_eq!(driven.app.metric(), "train/tokens_per_second");
    driven.press("p<Esc>");
    assert!(driven.app.popup.is_none());
}

#[test]
fn curves_are_smoothed_scaled_and_clipped_by_keys() {
    let mut driven = driven();
    driven.press("S");
    assert!((driven.app.charting.weight() - 0.6).abs() < 1e-9);
    let id = driven.app.charted[0];
    assert!(driven.app.charting.curve(&driven.app.runs, id, "eval/loss").unwrap().smoothed.is_some());
    driven.press("SSS");
    assert!(driven.app.charting.weight() <= 0.0);
    driven.press("yxuz");
    let charting = &driven.app.charting;
    assert!(charting.log && charting.time && charting.clip && driven.app.solo);
    assert_eq!(charted_names(&driven), [4]);
    let frame = charting.frame("eval/loss").unwrap();
    assert_eq!(frame.y.scale, loradeck_core::metrics::Scale::Log);
}

#[test]
fn runs_that_differ_only_in_their_seed_become_one_band() {
    let mut driven = Driven::over(sample::seeds(), 120, 40);
    assert!(driven.app.charting.groups.is_empty());
    driven.press("b");
    let sizes =
        |driven: &Driven| driven.app.charting.groups.iter().map(|group| group.runs.len()).collect::<Vec<_>>();
    assert_eq!(sizes(&driven), [3, 3]);
    assert!(driven.app.reports.current(driven.now).is_none());
    let looks: Vec<_> = driven.sample.ids().iter().map(|id| driven.app.look(*id).unwrap()).collect();
    assert!(looks[0] == looks[2] && looks[3] == looks[5] && looks[0] != looks[3], "a group is one thing");
    let frame = driven.app.charting.frame("eval/loss").unwrap();
    assert!(frame.y.low <= 0.8 && frame.y.high >= 2.8, "{frame:?}");
    driven.press("z");
    assert_eq!(sizes(&driven), [1], "one run alone is no band");
    driven.press("zb");
    assert!(driven.app.charting.groups.is_empty());
    driven.press("zb");
    assert!(driven.app.reports.current(driven.now).unwrap().text.contains("no two of the charted runs"));
}

#[test]
fn zoom_pan_and_the_value_cursor_stay_inside() {
    let mut driven = driven();
    driven.press("m.......");
    let at = driven.app.charting.cursor.unwrap();
    assert!(at > 0.0 && at < 96.0, "{at}");
    driven.press("+++++++++++++");
    let (left, right) = driven.app.charting.zoom.unwrap();
    assert!(left <= at && at <= right && right - left >= 3.9, "{left} {right}");
    driven.press("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[");
    assert!(driven.app.charting.zoom.unwrap().0.abs() < 1e-9);
    driven.press("----------------------");
    assert_eq!(driven.app.charting.zoom, None);
    driven.press("+0");
    assert_eq!(driven.app.charting.zoom, None);
    driven.press("<Esc>");
    assert_eq!(driven.app.charting.cursor, None);
}

#[test]
fn g_goes_to_the_small_charts_and_back() {
    let mut driven = driven();
    driven.press("g");
    assert_eq!(driven.app.screen, Screen::Charts);
    driven.press("g");
    assert_eq!(driven.app.screen, Screen::Runs);
}

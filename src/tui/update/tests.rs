//! Keys and messages against the state.

use crate::tui::sample::Driven;

#[test]
fn q_quits() {
    let mut driven = Driven::new(120, 40);
    driven.press("q");
    assert_eq!(driven.effects, [crate::tui::message::Effect::Quit]);
}

//! What the environment and the settings decide, and that nothing needs colour.

use std::collections::HashSet;

use loradeck_core::config::{TerminalColour, ThemeSettings};
use ratatui::style::Color;

use super::*;

fn detect(variables: &[(&str, &str)]) -> Theme {
    Theme::detect(|name| {
        variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    })
}

#[test]
fn the_environment_decides() {
    assert_eq!(detect(&[("TERM", "xterm")]).colours, Colours::Sixteen);
    assert_eq!(detect(&[("TERM", "xterm-256color")]).colours, Colours::Many);
    assert_eq!(detect(&[("TERM", "xterm"), ("COLORTERM", "truecolor")]).colours, Colours::Many);
    assert_eq!(detect(&[("COLORTERM", "truecolor"), ("NO_COLOR", "1")]).colours, Colours::None);
    assert!(detect(&[]).unicode && detect(&[("LANG", "de_DE")]).unicode);
    for locale in ["de_DE.UTF-8", "C.UTF-8", "C.utf8"] {
        assert!(detect(&[("LANG", locale), ("TMUX", "/tmp/s,1,0")]).unicode, "{locale}");
        assert!(!detect(&[("LC_ALL", "C"), ("LANG", locale)]).unicode, "LC_ALL wins");
    }
    assert!(!detect(&[("LANG", "C")]).unicode && !detect(&[("LC_CTYPE", "POSIX")]).unicode);
    assert!(!detect(&[("TMUX", "/tmp/s,1,0")]).unicode, "tmux shows _ where no locale says UTF-8");
    assert!(!detect(&[("LANG", "de_DE.ISO-8859-1")]).unicode);
    assert!(!detect(&[("TERM", "linux")]).unicode);
    assert!(detect(&[("TERM", "xterm"), ("COLORTERM", "truecolor")]).all_colours);
    assert!(detect(&[("TERM", "xterm-direct")]).all_colours);
    assert!(!detect(&[("TERM", "xterm-256color"), ("COLORTERM", "1")]).all_colours);
    assert!(!detect(&[("COLORTERM", "truecolor"), ("NO_COLOR", "1")]).all_colours);
}

#[test]
fn the_users_settings_win_over_the_terminal_but_not_over_no_color() {
    let chosen = |settings: &ThemeSettings, variables: &[(&str, &str)]| {
        Theme::chosen(settings, |name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    };
    let settings = ThemeSettings {
        colours: Some(16),
        unicode: Some(false),
        focus: Some(TerminalColour::Own(12)),
        error: Some(TerminalColour::Palette(200)),
        curve_colours: vec![TerminalColour::Own(1), TerminalColour::Palette(9), TerminalColour::Own(2)],
        ..ThemeSettings::default()
    };
    let theme = chosen(&settings, &[("TERM", "xterm-256color"), ("LANG", "C.UTF-8")]);
    assert_eq!((theme.colours, theme.unicode), (Colours::Sixteen, false));
    assert_eq!(theme.key().fg, Some(Color::LightBlue));
    assert_eq!(theme.error().fg, Some(Color::Red), "a palette that the terminal has not: the usual colour");
    assert_eq!(theme.curve_colours(), 2);
    assert_eq!((theme.curve(0).colour, theme.curve(3).colour), (Color::Red, Color::Green));
    let many = ThemeSettings { colours: Some(256), ..settings };
    assert_eq!(chosen(&many, &[("TERM", "xterm")]).error().fg, Some(Color::Indexed(200)));
    let all = ThemeSettings { colours: Some(loradeck_core::config::ALL_COLOURS), ..ThemeSettings::default() };
    let asked = [("TERM", "xterm"), ("COLORTERM", "truecolor")];
    assert!(chosen(&all, &asked[..1]).all_colours && !chosen(&many, &asked).all_colours);
    let none = chosen(&many, &[("NO_COLOR", "1")]);
    assert!(!none.has_colours() && none.key().fg.is_none() && none.curve(0).colour == Color::Reset);
}

#[test]
fn states_and_neighbouring_curves_differ_without_colour() {
    use ShownState as S;
    let states = [
        S::Running,
        S::Orphaned,
        S::Ending,
        S::Starting,
        S::Queued,
        S::Held,
        S::Lost,
        S::Failed,
        S::Stopped,
        S::Pruned,
        S::Finished,
        S::Archived,
    ];
    for unicode in [true, false] {
        let theme = Theme::new(Colours::None, unicode);
        let symbols: HashSet<_> = states.iter().map(|state| theme.state(*state).0).collect();
        assert_eq!(symbols.len(), states.len());
        let markers: HashSet<_> = (0..8).map(|ordinal| theme.curve(ordinal).marker).collect();
        assert_eq!(markers.len(), 8);
    }
}

//! `theme:` and `keys:` of `loradeck.yaml`: how the dashboard looks and which keys it takes.
//!
//! What the actions are called is the dashboard's to know; here they stay texts with their places.

use super::Kind;
use super::kind::fitted;
use super::place::{Place, Problem, Source};
use super::value::Value;
use super::yaml::{Content, Node};
use crate::text::nearest;

/// A text of a file and where it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placed {
    /// The text.
    pub text: String,
    /// The file.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
}

/// One line of `keys:`: what is to be done by which keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeySetting {
    /// The action's name.
    pub action: Placed,
    /// The keys; empty: none.
    pub keys: Vec<Placed>,
}

/// A colour of the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TerminalColour {
    /// One of the terminal's own sixteen, 8 to 15 the bright ones.
    Own(u8),
    /// One of the 256-colour palette.
    Palette(u8),
}

/// `theme:`; what is not said is found out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ThemeSettings {
    /// How many colours are used: 0, 16, 256 or [`ALL_COLOURS`].
    pub colours: Option<u32>,
    /// Whether symbols beyond ASCII are used.
    pub unicode: Option<bool>,
    /// What curves are drawn with: `braille`, `dots`, `blocks` or `ascii`.
    pub curves: Option<String>,
    /// How pictures are drawn: `blocks`, `kitty` or `sixel`.
    pub pictures: Option<String>,
    /// Whether clicks and the wheel are taken.
    pub mouse: Option<bool>,
    /// Of the focused pane and of keys.
    pub focus: Option<TerminalColour>,
    /// Of what is wrong.
    pub error: Option<TerminalColour>,
    /// Of what needs attention.
    pub warning: Option<TerminalColour>,
    /// Of the curves, in turn; empty: the usual ones.
    pub curve_colours: Vec<TerminalColour>,
}

/// What `colours: 24bit` means.
pub const ALL_COLOURS: u32 = 1 << 24;

/// The most colours that curves may be given.
pub const CURVE_COLOURS: usize = 12;

const THEME_KEYS: [&str; 9] =
    ["colours", "symbols", "curves", "pictures", "mouse", "focus", "error", "warning", "curve_colours"];
const COLOURS: [&str; 16] = [
    "black",
    "red",
    "green",
    "yellow",
    "blue",
    "magenta",
    "cyan",
    "white",
    "bright-black",
    "bright-red",
    "bright-green",
    "bright-yellow",
    "bright-blue",
    "bright-magenta",
    "bright-cyan",
    "bright-white",
];

/// Reads `theme:`.
pub(super) fn read_theme(node: &Node) -> Result<ThemeSettings, Problem> {
    let Content::Map(entries) = &node.content else {
        let problem = Problem::new(Place::Node(node.id), "theme", "is a mapping, and this is none");
        return Err(problem.hint("theme: {colours: 16, symbols: ascii}"));
    };
    let mut theme = ThemeSettings::default();
    for (key, value) in entries {
        read_theme_entry(&mut theme, key, value)?;
    }
    Ok(theme)
}

fn read_theme_entry(theme: &mut ThemeSettings, key: &Node, value: &Node) -> Result<(), Problem> {
    let name = format!("theme.{}", key.text);
    let fit = |kind| {
        fitted(kind, value).map_err(|misfit| Problem::of_value(Place::Node(value.id), name.clone(), misfit))
    };
    match key.text.as_str() {
        "colours" => {
            let said = fit(Kind::OneOf(&["none", "16", "256", "24bit"]))?.plain();
            theme.colours = Some(if said == "24bit" { ALL_COLOURS } else { said.parse().unwrap_or(0) });
        }
        "symbols" => theme.unicode = Some(fit(Kind::OneOf(&["unicode", "ascii"]))?.plain() == "unicode"),
        "curves" => theme.curves = Some(fit(Kind::OneOf(&["braille", "dots", "blocks", "ascii"]))?.plain()),
        "pictures" => theme.pictures = Some(fit(Kind::OneOf(&["blocks", "kitty", "sixel"]))?.plain()),
        "mouse" => theme.mouse = Some(fit(Kind::Flag)? == Value::Flag(true)),
        "focus" => theme.focus = Some(colour(value, &name)?),
        "error" => theme.error = Some(colour(value, &name)?),
        "warning" => theme.warning = Some(colour(value, &name)?),
        "curve_colours" => {
            let items = match &value.content {
                Content::List(items) => items.iter().collect(),
                _ => vec![value],
            };
            if items.len() > CURVE_COLOURS {
                let message = format!("has {} colours, but at most {CURVE_COLOURS} are taken", items.len());
                return Err(Problem::new(Place::Node(value.id), name, message));
            }
            theme.curve_colours =
                items.into_iter().map(|item| colour(item, &name)).collect::<Result<_, _>>()?;
        }
        other => {
            let problem = Problem::new(Place::Node(key.id), name, "is not a known key of theme");
            let near = nearest(other, THEME_KEYS).map(|near| format!("did you mean '{near}'?"));
            return Err(Problem { hint: near, ..problem });
        }
    }
    Ok(())
}

fn colour(node: &Node, name: &str) -> Result<TerminalColour, Problem> {
    if let Some(index) = COLOURS.iter().position(|known| *known == node.text) {
        return Ok(TerminalColour::Own(index as u8));
    }
    if let (Content::Whole(_), Ok(index)) = (&node.content, node.text.parse()) {
        return Ok(TerminalColour::Palette(index));
    }
    let problem = Problem::new(Place::Node(node.id), name, "is no colour").value(Some(node.text.clone()));
    let near = nearest(&node.text, COLOURS).map(|near| format!("did you mean '{near}'?"));
    Err(problem
        .hint(near.unwrap_or_else(|| format!("{}, or 0 to 255 of the palette", COLOURS[..8].join(", ")))))
}

/// Reads `keys:`: actions with a key or a list of keys each.
pub(super) fn read_keys(node: &Node, source: &Source) -> Result<Vec<KeySetting>, Problem> {
    let Content::Map(entries) = &node.content else {
        let problem =
            Problem::new(Place::Node(node.id), "keys", "is a mapping of actions to keys, and this is none");
        return Err(problem.hint("keys: {stop: x, grid: [g, F2]}"));
    };
    let placed = |node: &Node| {
        let (file, line, column) = source.position(Place::Node(node.id));
        Placed { text: node.text.clone(), file, line, column }
    };
    let is_scalar = |node: &Node| !matches!(node.content, Content::List(_) | Content::Map(_) | Content::Null);
    let mut settings: Vec<KeySetting> = Vec::new();
    for (action, value) in entries {
        let keys: Vec<&Node> = match &value.content {
            Content::List(items) => items.iter().collect(),
            _ => vec![value],
        };
        if let Some(wrong) = keys.iter().find(|key| !is_scalar(key)) {
            let name = format!("keys.{}", action.text);
            let problem =
                Problem::new(Place::Node(wrong.id), name, "is a key or a list of keys, and this is neither");
            return Err(
                problem.hint("put a key that YAML reads as something else in quotes: '~'; [] is none")
            );
        }
        if settings.iter().any(|known| known.action.text == action.text) {
            let name = format!("keys.{}", action.text);
            return Err(Problem::new(Place::Node(action.id), name, "is there twice"));
        }
        settings.push(KeySetting { action: placed(action), keys: keys.into_iter().map(placed).collect() });
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::read_workspace_settings;
    use super::*;

    fn read(text: &str) -> super::super::WorkspaceSettings {
        read_workspace_settings(Path::new("loradeck.yaml"), text).unwrap()
    }

    fn error(text: &str) -> String {
        read_workspace_settings(Path::new("loradeck.yaml"), text).unwrap_err().to_string()
    }

    #[test]
    fn a_theme_says_what_it_wants_and_nothing_else() {
        let theme = read("theme:\n  colours: 16\n  symbols: ascii\n  curves: dots\n  focus: bright-blue\n  curve_colours: [red, 214]\n").theme;
        let expected = ThemeSettings {
            colours: Some(16),
            unicode: Some(false),
            curves: Some("dots".into()),
            focus: Some(TerminalColour::Own(12)),
            curve_colours: vec![TerminalColour::Own(1), TerminalColour::Palette(214)],
            ..ThemeSettings::default()
        };
        assert_eq!(theme, expected);
        assert_eq!(read("theme: {colours: none}\n").theme.colours, Some(0));
        let drawn = read("theme: {colours: 24bit, pictures: sixel}\n").theme;
        assert_eq!((drawn.colours, drawn.pictures.as_deref()), (Some(ALL_COLOURS), Some("sixel")));
        assert_eq!(read("theme:\nkeys:\n").theme, ThemeSettings::default());
    }

    #[test]
    fn wrong_themes_are_named_with_their_place() {
        for (text, said) in [
            ("theme: dark\n", "loradeck.yaml:1:8: theme: is a mapping"),
            ("theme: {colors: 16}\n", "did you mean 'colours'?"),
            ("theme: {colours: 17}\n", "loradeck.yaml:1:18: theme.colours: '17'"),
            ("theme: {error: rad}\n", "1:16: theme.error: 'rad' is no colour\n  hint: did you mean 'red'?"),
            ("theme: {error: 256}\n", "'256' is no colour"),
            ("theme: {curve_colours: [1,2,3,4,5,6,7,8,9,10,11,12,13]}\n", "has 13 colours, but at most 12"),
            ("theme: {mouse: maybe}\n", "theme.mouse: 'maybe'"),
            ("theme: {pictures: iterm}\n", "theme.pictures: 'iterm'"),
        ] {
            assert!(error(text).contains(said), "{text}: {}", error(text));
        }
    }

    #[test]
    fn keys_keep_their_places() {
        let keys = read("keys:\n  stop: x\n  grid: [g, 'F2', 7]\n  copy: []\n").keys;
        let texts: Vec<Vec<&str>> =
            keys.iter().map(|line| line.keys.iter().map(|key| key.text.as_str()).collect()).collect();
        assert_eq!(texts, [vec!["x"], vec!["g", "F2", "7"], vec![]]);
        assert_eq!((keys[1].action.line, keys[1].action.column), (3, 3));
        assert_eq!((keys[1].keys[2].line, keys[1].keys[2].column), (3, 19));
        for (text, said) in [
            ("keys: [x]\n", "loradeck.yaml:1:7: keys: is a mapping"),
            ("keys:\n  stop: ~\n", "2:9: keys.stop: is a key or a list of keys"),
            ("keys: {stop: {a: b}}\n", "keys.stop: is a key or a list"),
            ("keys: {stop: x, stop: y}\n", "stop"),
        ] {
            assert!(error(text).contains(said), "{text}: {}", error(text));
        }
    }
}

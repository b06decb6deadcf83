//! How the dashboard starts: what was asked for, and what the terminal says.

use std::env;

use loradeck_core::config::{Diagnostics, WorkspaceSettings};
use loradeck_core::run::Workspace;
use loradeck_core::time::Moment;

use crate::tui::app::Setup;
use crate::tui::keys::Keymap;
use crate::tui::terminal::cell_size;
use crate::tui::theme::{Glyphs, Manner, Theme};

/// How the dashboard is to start.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether clicks and the wheel are taken (`v` toggles it).
    pub mouse: bool,
    /// What curves are drawn with; `None` chooses by the terminal.
    pub glyphs: Option<Glyphs>,
    /// How pictures are to be drawn.
    pub manner: Manner,
    /// What the terminal can show.
    pub theme: Theme,
    /// What keys mean.
    pub keymap: Keymap,
}

impl Options {
    /// What a workspace's `loradeck.yaml` asks for, in this environment.
    ///
    /// # Errors
    /// Keys and actions that there are not, and keys with two meanings.
    pub fn of(settings: &WorkspaceSettings) -> Result<Self, Diagnostics> {
        Ok(Self {
            mouse: settings.theme.mouse.unwrap_or(true),
            glyphs: settings.theme.curves.as_deref().and_then(Glyphs::of_name),
            manner: settings.theme.pictures.as_deref().and_then(Manner::of_name).unwrap_or_default(),
            theme: Theme::chosen(&settings.theme, |name| env::var(name).ok()),
            keymap: Keymap::customised(&settings.keys)?,
        })
    }
}

/// What the state begins with.
pub(super) fn setup(workspaces: &[Workspace], options: &Options, size: (u16, u16)) -> Setup {
    let name = |workspace: &Workspace| {
        let root = workspace.root();
        root.file_name()
            .map_or_else(|| root.display().to_string(), |name| name.to_string_lossy().into_owned())
    };
    let by_terminal = match (options.theme.unicode, env::var("TERM").as_deref()) {
        (_, Ok("linux")) => Glyphs::Blocks,
        (false, _) => Glyphs::Ascii,
        _ => Glyphs::Braille,
    };
    Setup {
        theme: options.theme,
        keymap: options.keymap.clone(),
        glyphs: options.glyphs.unwrap_or(by_terminal),
        manner: options.manner,
        cell: cell_size(),
        in_tmux: env::var_os("TMUX").is_some(),
        mouse: options.mouse,
        size,
        workspaces: workspaces.iter().map(name).collect(),
        now: Moment::now(),
    }
}

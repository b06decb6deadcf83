//! Short names for keys, for tables and patterns.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// A key without modifiers.
pub const fn plain(code: KeyCode) -> KeyEvent {
    KeyEvent::new(code, KeyModifiers::NONE)
}

/// A character as typed; capital letters need no shift.
pub const fn letter(character: char) -> KeyEvent {
    plain(KeyCode::Char(character))
}

/// A character with Ctrl.
pub const fn ctrl(character: char) -> KeyEvent {
    KeyEvent::new(KeyCode::Char(character), KeyModifiers::CONTROL)
}

/// The same key with Alt, or after an escape byte.
pub const fn with_alt(key: KeyEvent) -> KeyEvent {
    KeyEvent::new(key.code, key.modifiers.union(KeyModifiers::ALT))
}

/// Whether Ctrl was held.
pub const fn has_ctrl(key: KeyEvent) -> bool {
    key.modifiers.contains(KeyModifiers::CONTROL)
}

/// Whether Alt was held.
pub const fn has_alt(key: KeyEvent) -> bool {
    key.modifiers.contains(KeyModifiers::ALT)
}

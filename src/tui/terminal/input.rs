//! Bytes from the terminal become keys, clicks and pasted text.
//!
//! The decoder is pure: any bytes, cut anywhere, give the same events. A lone escape byte is a key only once the
//! reader has waited for the rest of a sequence, because a slow link may deliver an arrow key in two pieces.
//! Source of the sequences: xterm's `ctlseqs` (CSI, SS3, SGR mouse mode 1006, bracketed paste 2004).

/// The key itself, without modifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Code {
    /// A character as typed; capital letters carry no shift.
    Char(char),
    /// Return.
    Enter,
    /// Escape.
    Esc,
    /// Tabulator.
    Tab,
    /// Tabulator with shift.
    BackTab,
    /// Delete to the left.
    Backspace,
    /// Delete to the right.
    Delete,
    /// Insert.
    Insert,
    /// Arrow up.
    Up,
    /// Arrow down.
    Down,
    /// Arrow left.
    Left,
    /// Arrow right.
    Right,
    /// Home.
    Home,
    /// End.
    End,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// A function key.
    F(u8),
}

/// A key with its modifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// Which key.
    pub code: Code,
    /// With Ctrl.
    pub ctrl: bool,
    /// With Alt, or after an escape byte.
    pub alt: bool,
}

impl Key {
    /// A key without modifiers.
    pub const fn plain(code: Code) -> Self {
        Self { code, ctrl: false, alt: false }
    }

    /// A character without modifiers.
    pub const fn char(character: char) -> Self {
        Self::plain(Code::Char(character))
    }

    /// A character with Ctrl.
    pub const fn ctrl(character: char) -> Self {
        Self { code: Code::Char(character), ctrl: true, alt: false }
    }
}

/// What the mouse did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MouseDeed {
    /// The left button went down.
    Click,
    /// The wheel turned up.
    WheelUp,
    /// The wheel turned down.
    WheelDown,
}

/// A click or turn of the wheel, in cells from the upper left corner (0, 0).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mouse {
    /// What happened.
    pub deed: MouseDeed,
    /// Column.
    pub column: u16,
    /// Row.
    pub row: u16,
}

/// What a user did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputEvent {
    /// A key was pressed.
    Key(Key),
    /// The mouse was used.
    Mouse(Mouse),
    /// Text was pasted.
    Paste(String),
}

const ESC: u8 = 0x1b;
const PASTE_END: &[u8] = b"\x1b[201~";
/// A sequence longer than this is noise.
const LONGEST_SEQUENCE: usize = 64;
/// Pasted text beyond this is dropped.
const LONGEST_PASTE: usize = 64 * 1024;

/// Turns bytes into events.
#[derive(Debug, Default)]
pub struct Decoder {
    pending: Vec<u8>,
    pasting: bool,
}

enum Step {
    /// So many bytes were used up, giving an event or nothing.
    Used(usize, Option<InputEvent>),
    /// So many bytes open a paste.
    Paste(usize),
    /// The sequence is not complete.
    More,
}

impl Decoder {
    /// Takes `bytes` in and hands every complete event to `out`.
    pub fn feed(&mut self, bytes: &[u8], out: &mut Vec<InputEvent>) {
        self.pending.extend_from_slice(bytes);
        while !self.pending.is_empty() {
            if self.pasting {
                if !self.finish_paste(out) {
                    return;
                }
                continue;
            }
            match next(&self.pending) {
                Step::Used(count, event) => {
                    self.pending.drain(..count);
                    out.extend(event);
                }
                Step::Paste(count) => {
                    self.pending.drain(..count);
                    self.pasting = true;
                }
                Step::More => return,
            }
        }
    }

    /// Whether a sequence has begun that may yet be a key of its own.
    pub fn is_waiting(&self) -> bool {
        !self.pending.is_empty() && !self.pasting
    }

    /// Nothing more came in time: what is pending stands for itself.
    pub fn give_up(&mut self, out: &mut Vec<InputEvent>) {
        if !self.is_waiting() {
            return;
        }
        let pending = std::mem::take(&mut self.pending);
        match pending.as_slice() {
            [ESC] => out.push(InputEvent::Key(Key::plain(Code::Esc))),
            [ESC, ESC] => out.extend([Code::Esc; 2].map(|code| InputEvent::Key(Key::plain(code)))),
            [ESC, second @ (b'[' | b'O')] => {
                out.push(InputEvent::Key(Key { alt: true, ..Key::char(char::from(*second)) }));
            }
            _ => {}
        }
    }

    fn finish_paste(&mut self, out: &mut Vec<InputEvent>) -> bool {
        let end = self.pending.windows(PASTE_END.len()).position(|window| window == PASTE_END);
        let Some(end) = end else {
            // Keeps what may be the beginning of the end mark.
            if self.pending.len() > LONGEST_PASTE + PASTE_END.len() {
                self.pending.drain(LONGEST_PASTE..self.pending.len() - PASTE_END.len());
            }
            return false;
        };
        let text = String::from_utf8_lossy(&self.pending[..end.min(LONGEST_PASTE)]).into_owned();
        self.pending.drain(..end + PASTE_END.len());
        self.pasting = false;
        out.push(InputEvent::Paste(text));
        true
    }
}

fn next(bytes: &[u8]) -> Step {
    match bytes[0] {
        ESC => escape(bytes),
        byte if byte < 0x80 => Step::Used(1, Some(InputEvent::Key(control_or_ascii(byte)))),
        _ => utf8(bytes),
    }
}

fn control_or_ascii(byte: u8) -> Key {
    match byte {
        b'\r' | b'\n' => Key::plain(Code::Enter),
        b'\t' => Key::plain(Code::Tab),
        0x7f | 0x08 => Key::plain(Code::Backspace),
        0 => Key::ctrl(' '),
        1..=26 => Key::ctrl(char::from(byte - 1 + b'a')),
        0x1c..=0x1f => Key::ctrl(char::from(byte + 0x40)),
        other => Key::char(char::from(other)),
    }
}

fn utf8(bytes: &[u8]) -> Step {
    let length = match bytes[0] {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return Step::Used(1, None),
    };
    let broken = bytes.iter().take(length).skip(1).position(|byte| byte & 0xc0 != 0x80);
    if let Some(good) = broken {
        return Step::Used(good + 1, None);
    }
    if bytes.len() < length {
        return Step::More;
    }
    let character = std::str::from_utf8(&bytes[..length]).ok().and_then(|text| text.chars().next());
    let printable = character.filter(|character| !character.is_control());
    Step::Used(length, printable.map(|character| InputEvent::Key(Key::char(character))))
}

fn escape(bytes: &[u8]) -> Step {
    match bytes.get(1) {
        None => Step::More,
        Some(b'[') => control_sequence(bytes),
        Some(b'O') => match bytes.get(2) {
            None => Step::More,
            Some(letter) => Step::Used(3, letter_key(*letter).map(|code| InputEvent::Key(Key::plain(code)))),
        },
        Some(&ESC) => match bytes.get(2) {
            None => Step::More,
            // The first of two escapes stands for itself; the second may begin a sequence.
            Some(_) => Step::Used(1, Some(InputEvent::Key(Key::plain(Code::Esc)))),
        },
        Some(_) => match next(&bytes[1..]) {
            Step::Used(count, Some(InputEvent::Key(key))) => {
                Step::Used(count + 1, Some(InputEvent::Key(Key { alt: true, ..key })))
            }
            Step::Used(count, _) => Step::Used(count + 1, None),
            other => other,
        },
    }
}

fn control_sequence(bytes: &[u8]) -> Step {
    // Linux' console sends ESC [ [ A for F1.
    if bytes.get(2) == Some(&b'[') {
        return match bytes.get(3) {
            None => Step::More,
            Some(letter @ b'A'..=b'E') => {
                Step::Used(4, Some(InputEvent::Key(Key::plain(Code::F(letter - b'A' + 1)))))
            }
            Some(_) => Step::Used(4, None),
        };
    }
    let body = &bytes[2..bytes.len().min(LONGEST_SEQUENCE)];
    let Some(length) = body.iter().position(|byte| !(0x20..=0x3f).contains(byte)) else {
        return if bytes.len() >= LONGEST_SEQUENCE { Step::Used(LONGEST_SEQUENCE, None) } else { Step::More };
    };
    let (parameters, letter, used) = (&bytes[2..2 + length], bytes[2 + length], length + 3);
    if !(0x40..=0x7e).contains(&letter) {
        // Something else begins within the sequence: what came before it is noise.
        return Step::Used(used - 1, None);
    }
    if parameters == b"200" && letter == b'~' {
        return Step::Paste(used);
    }
    if parameters.first() == Some(&b'<') {
        return Step::Used(used, mouse(&parameters[1..], letter).map(InputEvent::Mouse));
    }
    Step::Used(used, sequence_key(parameters, letter).map(InputEvent::Key))
}

fn numbers(parameters: &[u8]) -> Vec<u16> {
    parameters
        .split(|byte| *byte == b';')
        .map(|part| std::str::from_utf8(part).ok().and_then(|text| text.parse().ok()).unwrap_or(0))
        .collect()
}

fn mouse(parameters: &[u8], letter: u8) -> Option<Mouse> {
    let [button, column, row] = numbers(parameters).try_into().ok()?;
    // Bits 2-4 are shift, alt and ctrl.
    let deed = match (button & !0b1_1100, letter) {
        (0, b'M') => MouseDeed::Click,
        (64, b'M') => MouseDeed::WheelUp,
        (65, b'M') => MouseDeed::WheelDown,
        _ => return None,
    };
    Some(Mouse { deed, column: column.checked_sub(1)?, row: row.checked_sub(1)? })
}

fn sequence_key(parameters: &[u8], letter: u8) -> Option<Key> {
    let numbers = numbers(parameters);
    let modifiers = numbers.get(1).copied().unwrap_or(1).saturating_sub(1);
    let code = if letter == b'~' { tilde_key(numbers[0])? } else { letter_key(letter)? };
    Some(Key { code, alt: modifiers & 2 != 0, ctrl: modifiers & 4 != 0 })
}

fn letter_key(letter: u8) -> Option<Code> {
    Some(match letter {
        b'A' => Code::Up,
        b'B' => Code::Down,
        b'C' => Code::Right,
        b'D' => Code::Left,
        b'F' => Code::End,
        b'H' => Code::Home,
        b'M' => Code::Enter,
        b'Z' => Code::BackTab,
        b'P'..=b'S' => Code::F(letter - b'P' + 1),
        _ => return None,
    })
}

fn tilde_key(number: u16) -> Option<Code> {
    Some(match number {
        1 | 7 => Code::Home,
        2 => Code::Insert,
        3 => Code::Delete,
        4 | 8 => Code::End,
        5 => Code::PageUp,
        6 => Code::PageDown,
        11..=15 => Code::F(number as u8 - 10),
        17..=21 => Code::F(number as u8 - 11),
        23..=24 => Code::F(number as u8 - 12),
        _ => return None,
    })
}

#[cfg(test)]
#[path = "input_tests.rs"]
mod tests;

//! Bytes from the terminal become crossterm's events: keys, clicks and pasted text.
//!
//! crossterm 0.29's own reader takes an escape byte at the end of a read for a key, so that an arrow key in two pieces is
//! Escape and letters, and it loops without rest once the terminal has gone away (crossterm#993). This decoder and
//! `reader.rs` stand in its place; `tests/dashboard/own_reader.rs` fails when that is mended, and then both can go.
//!
//! The decoder is pure: any bytes, cut anywhere, give the same events. A lone escape byte is a key only once the
//! reader has waited for the rest of a sequence, because a slow link may deliver an arrow key in two pieces.
//! Source of the sequences: xterm's `ctlseqs` (CSI, SS3, SGR mouse mode 1006, bracketed paste 2004).

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use super::key;

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
    Used(usize, Option<Event>),
    /// So many bytes open a paste.
    Paste(usize),
    /// The sequence is not complete.
    More,
}

impl Decoder {
    /// Takes `bytes` in and hands every complete event to `out`.
    pub fn feed(&mut self, bytes: &[u8], out: &mut Vec<Event>) {
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
    pub fn give_up(&mut self, out: &mut Vec<Event>) {
        if !self.is_waiting() {
            return;
        }
        let pending = std::mem::take(&mut self.pending);
        match pending.as_slice() {
            [ESC] => out.push(Event::Key(key::plain(KeyCode::Esc))),
            [ESC, ESC] => out.extend([KeyCode::Esc; 2].map(|code| Event::Key(key::plain(code)))),
            [ESC, second @ (b'[' | b'O')] => {
                out.push(Event::Key(key::with_alt(key::letter(char::from(*second)))));
            }
            _ => {}
        }
    }

    fn finish_paste(&mut self, out: &mut Vec<Event>) -> bool {
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
        out.push(Event::Paste(text));
        true
    }
}

fn next(bytes: &[u8]) -> Step {
    match bytes[0] {
        ESC => escape(bytes),
        byte if byte < 0x80 => Step::Used(1, Some(Event::Key(control_or_ascii(byte)))),
        _ => utf8(bytes),
    }
}

fn control_or_ascii(byte: u8) -> KeyEvent {
    match byte {
        b'\r' | b'\n' => key::plain(KeyCode::Enter),
        b'\t' => key::plain(KeyCode::Tab),
        0x7f | 0x08 => key::plain(KeyCode::Backspace),
        0 => key::ctrl(' '),
        1..=26 => key::ctrl(char::from(byte - 1 + b'a')),
        0x1c..=0x1f => key::ctrl(char::from(byte + 0x40)),
        other => key::letter(char::from(other)),
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
    Step::Used(length, printable.map(|character| Event::Key(key::letter(character))))
}

fn escape(bytes: &[u8]) -> Step {
    match bytes.get(1) {
        None => Step::More,
        Some(b'[') => control_sequence(bytes),
        Some(b'O') => match bytes.get(2) {
            None => Step::More,
            Some(letter) => Step::Used(3, letter_key(*letter).map(|code| Event::Key(key::plain(code)))),
        },
        Some(&ESC) => match bytes.get(2) {
            None => Step::More,
            // The first of two escapes stands for itself; the second may begin a sequence.
            Some(_) => Step::Used(1, Some(Event::Key(key::plain(KeyCode::Esc)))),
        },
        Some(_) => match next(&bytes[1..]) {
            Step::Used(count, Some(Event::Key(key))) => {
                Step::Used(count + 1, Some(Event::Key(key::with_alt(key))))
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
                Step::Used(4, Some(Event::Key(key::plain(KeyCode::F(letter - b'A' + 1)))))
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
        return Step::Used(used, mouse(&parameters[1..], letter).map(Event::Mouse));
    }
    Step::Used(used, sequence_key(parameters, letter).map(Event::Key))
}

fn numbers(parameters: &[u8]) -> Vec<u16> {
    parameters
        .split(|byte| *byte == b';')
        .map(|part| std::str::from_utf8(part).ok().and_then(|text| text.parse().ok()).unwrap_or(0))
        .collect()
}

fn mouse(parameters: &[u8], letter: u8) -> Option<MouseEvent> {
    let [button, column, row] = numbers(parameters).try_into().ok()?;
    let held = [(4, KeyModifiers::SHIFT), (8, KeyModifiers::ALT), (16, KeyModifiers::CONTROL)];
    let kind = match (button & !0b1_1100, letter) {
        (0, b'M') => MouseEventKind::Down(MouseButton::Left),
        (64, b'M') => MouseEventKind::ScrollUp,
        (65, b'M') => MouseEventKind::ScrollDown,
        _ => return None,
    };
    let modifiers = held_of(button, &held);
    Some(MouseEvent { kind, column: column.checked_sub(1)?, row: row.checked_sub(1)?, modifiers })
}

fn sequence_key(parameters: &[u8], letter: u8) -> Option<KeyEvent> {
    let numbers = numbers(parameters);
    let modifiers = numbers.get(1).copied().unwrap_or(1).saturating_sub(1);
    let code = if letter == b'~' { tilde_key(numbers[0])? } else { letter_key(letter)? };
    // Shift says nothing that the dashboard asks for, and would make the arrows other keys.
    let held = [(2, KeyModifiers::ALT), (4, KeyModifiers::CONTROL)];
    Some(KeyEvent::new(code, held_of(modifiers, &held)))
}

/// The modifiers whose bits are set.
fn held_of(bits: u16, modifiers: &[(u16, KeyModifiers)]) -> KeyModifiers {
    modifiers.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, modifier)| *modifier).collect()
}

fn letter_key(letter: u8) -> Option<KeyCode> {
    Some(match letter {
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        b'D' => KeyCode::Left,
        b'F' => KeyCode::End,
        b'H' => KeyCode::Home,
        b'M' => KeyCode::Enter,
        b'Z' => KeyCode::BackTab,
        b'P'..=b'S' => KeyCode::F(letter - b'P' + 1),
        _ => return None,
    })
}

fn tilde_key(number: u16) -> Option<KeyCode> {
    Some(match number {
        1 | 7 => KeyCode::Home,
        2 => KeyCode::Insert,
        3 => KeyCode::Delete,
        4 | 8 => KeyCode::End,
        5 => KeyCode::PageUp,
        6 => KeyCode::PageDown,
        11..=15 => KeyCode::F(number as u8 - 10),
        17..=21 => KeyCode::F(number as u8 - 11),
        23..=24 => KeyCode::F(number as u8 - 12),
        _ => return None,
    })
}

#[cfg(test)]
#[path = "input_tests.rs"]
mod tests;

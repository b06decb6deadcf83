//! The decoder against known sequences, cuts and noise.

use proptest::prelude::*;

use super::*;

fn decode(bytes: &[u8]) -> Vec<Event> {
    let (mut decoder, mut out) = (Decoder::default(), Vec::new());
    decoder.feed(bytes, &mut out);
    decoder.give_up(&mut out);
    out
}

fn keys(bytes: &[u8]) -> Vec<KeyEvent> {
    let only_keys = |event| match event {
        Event::Key(key) => Some(key),
        _ => None,
    };
    decode(bytes).into_iter().filter_map(only_keys).collect()
}

#[test]
fn known_sequences_are_keys() {
    let cases: &[(&[u8], KeyEvent)] = &[
        (b"j", key::letter('j')),
        ("ä".as_bytes(), key::letter('ä')),
        (b"\x03", key::ctrl('c')),
        (b"\x1a", key::ctrl('z')),
        (b"\r", key::plain(KeyCode::Enter)),
        (b"\t", key::plain(KeyCode::Tab)),
        (b"\x7f", key::plain(KeyCode::Backspace)),
        (b"\x1b", key::plain(KeyCode::Esc)),
        (b"\x1b[A", key::plain(KeyCode::Up)),
        (b"\x1bOB", key::plain(KeyCode::Down)),
        (b"\x1b[1;5C", KeyEvent::new(KeyCode::Right, KeyModifiers::CONTROL)),
        (b"\x1b[Z", key::plain(KeyCode::BackTab)),
        (b"\x1b[3~", key::plain(KeyCode::Delete)),
        (b"\x1b[5~", key::plain(KeyCode::PageUp)),
        (b"\x1b[1~", key::plain(KeyCode::Home)),
        (b"\x1bOP", key::plain(KeyCode::F(1))),
        (b"\x1b[15~", key::plain(KeyCode::F(5))),
        (b"\x1b[24~", key::plain(KeyCode::F(12))),
        (b"\x1b[[A", key::plain(KeyCode::F(1))),
        (b"\x1bx", key::with_alt(key::letter('x'))),
    ];
    for (bytes, key) in cases {
        assert_eq!(keys(bytes), [*key], "{}", String::from_utf8_lossy(bytes).escape_debug());
    }
}

#[test]
fn an_arrow_in_two_pieces_is_still_an_arrow() {
    let (mut decoder, mut out) = (Decoder::default(), Vec::new());
    decoder.feed(b"\x1b", &mut out);
    assert!(out.is_empty() && decoder.is_waiting());
    decoder.feed(b"[A", &mut out);
    assert_eq!(out, [Event::Key(key::plain(KeyCode::Up))]);
    assert!(!decoder.is_waiting());
}

#[test]
fn clicks_and_the_wheel_come_from_zero() {
    let click = MouseEvent {
        kind: MouseEventKind::Down(MouseButton::Left),
        column: 4,
        row: 1,
        modifiers: KeyModifiers::NONE,
    };
    let wheel =
        MouseEvent { kind: MouseEventKind::ScrollDown, column: 0, row: 0, modifiers: KeyModifiers::NONE };
    assert_eq!(decode(b"\x1b[<0;5;2M\x1b[<0;5;2m\x1b[<65;1;1M"), [Event::Mouse(click), Event::Mouse(wheel)]);
}

#[test]
fn pasted_text_is_one_event_and_never_keys() {
    assert_eq!(
        decode(b"\x1b[200~q\x1b[A\x1b[201~x"),
        [Event::Paste("q\x1b[A".into()), Event::Key(key::letter('x'))]
    );
}

#[test]
fn an_endless_paste_stays_bounded() {
    let (mut decoder, mut out) = (Decoder::default(), Vec::new());
    decoder.feed(b"\x1b[200~", &mut out);
    for _ in 0..1000 {
        decoder.feed(&[b'a'; 1000], &mut out);
    }
    assert!(decoder.pending.len() <= LONGEST_PASTE + 2000);
    decoder.feed(b"\x1b[201~", &mut out);
    assert!(matches!(&out[..], [Event::Paste(text)] if text.len() == LONGEST_PASTE));
}

proptest! {
    #[test]
    fn any_cut_gives_the_same_events(
        pieces in proptest::collection::vec(
            prop_oneof![
                Just(b"\x1b[A".to_vec()), Just(b"\x1b[<0;3;4M".to_vec()), Just("é".as_bytes().to_vec()),
                Just(b"\x1b[200~hi\x1b[201~".to_vec()), Just(b"q".to_vec()), Just(b"\x1b[3~".to_vec()),
                proptest::collection::vec(any::<u8>(), 0..6),
            ],
            0..12,
        ),
        cut in any::<proptest::sample::Index>(),
    ) {
        let bytes: Vec<u8> = pieces.concat();
        let at = if bytes.is_empty() { 0 } else { cut.index(bytes.len()) };
        let (mut decoder, mut out) = (Decoder::default(), Vec::new());
        decoder.feed(&bytes[..at], &mut out);
        decoder.feed(&bytes[at..], &mut out);
        decoder.give_up(&mut out);
        prop_assert_eq!(out, decode(&bytes));
    }
}

//! Bytes per frame.

use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};

use super::*;

fn terminal(colours: bool) -> Terminal<Encoder> {
    let mut terminal = Terminal::new(Encoder::new(Size::new(20, 3), colours)).unwrap();
    show(&mut terminal, Line::default());
    terminal.backend_mut().take_frame();
    terminal
}

fn show(terminal: &mut Terminal<Encoder>, line: Line<'_>) -> Option<String> {
    terminal.draw(|frame| frame.render_widget(line, frame.area())).unwrap();
    terminal.backend_mut().take_frame().map(|bytes| String::from_utf8(bytes).unwrap())
}

#[test]
fn an_unchanged_frame_is_no_bytes() {
    let mut terminal = terminal(true);
    assert!(show(&mut terminal, "abc".into()).is_some());
    assert_eq!(show(&mut terminal, "abc".into()), None);
}

#[test]
fn one_changed_letter_is_one_address_and_one_letter() {
    let mut terminal = terminal(true);
    show(&mut terminal, "abc".into());
    assert_eq!(show(&mut terminal, "abd".into()).unwrap(), "\x1b[?2026h\x1b[1;3Hd\x1b[?2026l");
}

#[test]
fn colours_vanish_where_none_are_wanted_but_reverse_stays() {
    let line = || Line::from(Span::styled("a", Style::new().red().reversed()));
    assert!(show(&mut terminal(true), line()).unwrap().contains("\x1b[7;31ma"));
    assert!(show(&mut terminal(false), line()).unwrap().contains("\x1b[7ma"));
}

#[test]
fn after_a_character_of_doubtful_width_the_next_is_addressed_afresh() {
    let mut terminal = terminal(true);
    let frame = show(&mut terminal, "●b─c".into()).unwrap();
    assert!(frame.contains("●\x1b[1;2Hb─c"), "{}", frame.escape_debug());
}

#[test]
fn the_text_cursor_is_hidden_while_cells_change() {
    let mut terminal = terminal(true);
    let mut type_letter = |letter: &str, column: u16| {
        terminal
            .draw(|frame| {
                frame.render_widget(letter, frame.area());
                frame.set_cursor_position((column, 0));
            })
            .unwrap();
        terminal.backend_mut().take_frame().map(|bytes| String::from_utf8(bytes).unwrap())
    };
    assert!(type_letter("a", 1).unwrap().ends_with("a\x1b[?25h\x1b[?2026l"));
    assert!(type_letter("ab", 2).unwrap().contains("\x1b[?25lb\x1b[?25h"));
    assert_eq!(type_letter("ab", 2), None);
}

#[test]
fn scattered_changes_of_two_pens_change_the_pen_once() {
    let mut terminal = terminal(true);
    let letters = |letter: &'static str| {
        let pieces = (0..6).flat_map(move |index| {
            let style = if index % 2 == 0 { Style::new().red() } else { Style::new().bold() };
            [Span::styled(letter, style), Span::raw("-")]
        });
        Line::from(pieces.collect::<Vec<_>>())
    };
    show(&mut terminal, letters("a"));
    let frame = show(&mut terminal, letters("b")).unwrap();
    assert_eq!(frame.matches('m').count(), 2, "{}", frame.escape_debug());
}

/// Cells of a screen of 12 by 3: a letter and a style for each.
fn cells() -> impl Strategy<Value = Vec<(char, u8)>> {
    proptest::collection::vec((proptest::char::range('a', 'c'), 0u8..6), 36)
}

fn style(number: u8) -> Style {
    let style =
        [Style::new(), Style::new().red(), Style::new().fg(Color::Indexed(200))][usize::from(number % 3)];
    if number > 2 { style.bold() } else { style }
}

fn paint(buffer: &mut Buffer, cells: &[(char, u8)]) {
    for (cell, (letter, number)) in buffer.content.iter_mut().zip(cells) {
        cell.set_char(*letter).set_style(style(*number));
    }
}

proptest! {
    #[test]
    fn a_terminal_shows_what_was_drawn_whatever_the_order_of_its_bytes(first in cells(), second in cells()) {
        let (columns, rows) = (12u16.try_into().unwrap(), 3u16.try_into().unwrap());
        let mut emulator = vt100::Parser::new(rows, columns, 0);
        let mut terminal = Terminal::new(Encoder::new(Size::new(12, 3), true)).unwrap();
        for cells in [&first, &second] {
            terminal.draw(|frame| paint(frame.buffer_mut(), cells)).unwrap();
            emulator.process(&terminal.backend_mut().take_frame().unwrap_or_default());
            for (index, (letter, number)) in (0u16..).zip(cells) {
                let shown = emulator.screen().cell(index / 12, index % 12).unwrap();
                let (wanted, mut colour) = (style(*number), vt100::Color::Default);
                if let Some(Color::Red) = wanted.fg {
                    colour = vt100::Color::Idx(1);
                } else if let Some(Color::Indexed(index)) = wanted.fg {
                    colour = vt100::Color::Idx(index);
                }
                prop_assert_eq!(shown.contents(), letter.to_string());
                prop_assert_eq!(shown.fgcolor(), colour);
                prop_assert_eq!(shown.bold(), wanted.add_modifier.contains(Modifier::BOLD));
            }
        }
    }
}

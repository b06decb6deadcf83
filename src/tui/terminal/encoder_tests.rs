//! Bytes per frame.

use ratatui::Terminal;
use ratatui::style::Style;
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

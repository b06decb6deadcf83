//! Samples of text token by token: what the model reads, and which tokens the loss counts.

use anyhow::Result;
use loradeck_core::config::Settings;
use loradeck_core::run::Workspace;
use loradeck_core::time::Moment;
use loradeck_data::check::open_inputs;
use loradeck_data::dataset::Dataset;
use loradeck_data::sample_view::{TokenView, view};
use serde_json::json;

use super::{OK, UsageError, Wanted, has_colours, out};

/// A learnt token, and one that is only read.
const LEARNT: &str = "1;32";
const READ: &str = "2";

pub(super) fn preview(workspace: &Workspace, settings: &Settings, wanted: &Wanted) -> Result<u8> {
    let inputs = open_inputs(workspace.root(), settings, Moment::now())?;
    let (name, data) = if wanted.held_out {
        let message = "no samples are held out (eval_data_dir and eval_split hold some out)";
        ("held-out", inputs.data.eval.as_ref().ok_or_else(|| UsageError(message.to_owned()))?)
    } else {
        ("training", &inputs.data.train)
    };
    let first = [1];
    let numbers = if wanted.samples.is_empty() { &first[..] } else { &wanted.samples };
    let mut shown = Vec::new();
    for number in numbers {
        let index = index(*number, data, name)?;
        let tokens = view(&data.samples[index], &inputs.tokenizer)?;
        if wanted.json {
            let row = &data.rows[index];
            shown.push(json!({
                "sample": number, "file": row.file, "line": row.line, "full_tokens": row.full_tokens, "tokens": tokens,
            }));
        } else {
            out::line(&head(name, *number, data, index));
            tell(&tokens);
        }
    }
    if wanted.json {
        out::json(&shown)?;
    }
    Ok(OK)
}

fn index(number: usize, data: &Dataset, name: &str) -> Result<usize, UsageError> {
    let there = data.len();
    let fault = || UsageError(format!("there is no {name} sample {number}; they are 1 to {there}"));
    number.checked_sub(1).filter(|index| *index < there).ok_or_else(fault)
}

fn head(name: &str, number: usize, data: &Dataset, index: usize) -> String {
    let row = &data.rows[index];
    let cut =
        if row.full_tokens > row.tokens { format!(" (cut from {})", row.full_tokens) } else { String::new() };
    format!(
        "{name} sample {number} of {}, {}:{}: {} tokens{cut}, {} learnt",
        data.len(),
        row.file,
        row.line,
        row.tokens,
        row.trained_tokens
    )
}

/// A line a token: its place, its id, whether it is learnt, its text in quotes.
fn tell(tokens: &[TokenView]) {
    let colours = has_colours();
    for (place, token) in tokens.iter().enumerate() {
        let line = line(place, token);
        if colours {
            out::styled(if token.learnt { LEARNT } else { READ }, &line);
        } else {
            out::line(&line);
        }
    }
}

fn line(place: usize, token: &TokenView) -> String {
    let mask = if token.learnt { "learnt" } else { "-" };
    let text = serde_json::to_string(&token.text).unwrap_or_default();
    format!("{place:>5} {:>7}  {mask:<6}  {text}", token.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_place_id_mask_and_text() {
        let token =
            TokenView { id: 198, token: "Ċ".into(), text: "\n".into(), learnt: true, special: false };
        assert_eq!(line(3, &token), r#"    3     198  learnt  "\n""#);
        assert_eq!(line(12, &TokenView { learnt: false, ..token }), r#"   12     198  -       "\n""#);
    }
}

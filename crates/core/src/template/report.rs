//! Our own Markdown templates: built-in texts which files of a workspace's `templates/` folder override.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, Value};
use serde::Serialize;

use super::TemplateError;
use crate::file;
use crate::text;

/// A set of Markdown templates. A name that a template uses but does not receive is an error; nothing is escaped
/// but what goes through the filter `cell`.
///
/// Filters: `cell` (a text for a table cell), `number(4)` (a number with four significant digits, the default),
/// `duration` (seconds as `2 h 03 min`), `quoted` (one word for a POSIX shell, whatever it holds).
#[derive(Clone, Debug)]
pub struct ReportTemplates {
    environment: Environment<'static>,
}

impl ReportTemplates {
    /// Takes built-in templates as (name, text); a file of that name in `folder` is taken instead where there is one.
    pub fn new(built_in: &[(&str, &str)], folder: Option<&Path>) -> Result<Self, TemplateError> {
        let mut sources: HashMap<String, String> = HashMap::new();
        for (name, source) in built_in {
            let own = folder.map(|folder| folder.join(name)).map_or(Ok(None), |path| read(&path, name))?;
            sources.insert((*name).to_owned(), own.unwrap_or_else(|| (*source).to_owned()));
        }
        let mut environment = environment();
        for (name, source) in sources {
            environment
                .add_template_owned(name.clone(), source)
                .map_err(|error| TemplateError::from_engine(&name, &error))?;
        }
        Ok(Self { environment })
    }

    /// Renders the template `name` with the fields of `data`.
    pub fn render<T: Serialize>(&self, name: &str, data: &T) -> Result<String, TemplateError> {
        self.environment
            .get_template(name)
            .and_then(|template| template.render(Serde(data)))
            .map_err(|error| TemplateError::from_engine(name, &error))
    }
}

fn read(path: &Path, name: &str) -> Result<Option<String>, TemplateError> {
    let bytes = file::read_if_exists(path).map_err(|error| TemplateError::new(name, error.to_string()))?;
    let Some(bytes) = bytes else { return Ok(None) };
    String::from_utf8(bytes)
        .map(Some)
        .map_err(|_| TemplateError::new(name, format!("{} is not UTF-8", path.display())))
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    environment.set_trim_and_strip();
    environment.add_filter("cell", |value: &Value| cell(&value.to_string()));
    environment.add_filter("quoted", |value: &Value| quoted(&value.to_string()));
    environment.add_filter("number", |value: &Value, digits: Option<usize>| -> Result<String, Error> {
        if value.is_none() {
            return Ok("–".into());
        }
        let number = f64::try_from(value.clone())
            .map_err(|_| Error::new(ErrorKind::InvalidOperation, format!("'{value}' is no number")))?;
        Ok(number_text(number, digits.unwrap_or(4)))
    });
    environment.add_filter("duration", |value: &Value| -> Result<String, Error> {
        let seconds = f64::try_from(value.clone()).map_err(|_| {
            Error::new(ErrorKind::InvalidOperation, format!("'{value}' is no number of seconds"))
        })?;
        Ok(duration_text(Duration::try_from_secs_f64(seconds).unwrap_or_default()))
    });
    environment
}

trait TrimAndStrip {
    fn set_trim_and_strip(&mut self);
}

impl TrimAndStrip for Environment<'_> {
    /// Lines that hold only a statement leave nothing behind; a template's last line break stays.
    fn set_trim_and_strip(&mut self) {
        let syntax = minijinja::syntax::SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .keep_trailing_newline(true)
            .build();
        if let Ok(syntax) = syntax {
            self.set_syntax(syntax);
        }
    }
}

/// A text that stays one cell of a Markdown table: `|` escaped, line breaks as spaces, control characters visible.
pub fn cell(value: &str) -> String {
    text::harmless(&value.replace("\r\n", " ")).replace('\\', "\\\\").replace('|', "\\|")
}

/// A text as one word for a POSIX shell: in single quotes, in which nothing has a meaning (POSIX, "Quoting").
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// A number with `digits` significant digits and no trailing zeros: `0.001234`, `1.2e-5`, `12345`.
pub fn number_text(number: f64, digits: usize) -> String {
    if !number.is_finite() || number == 0.0 {
        return if number.is_nan() { "NaN".into() } else { format!("{number}") };
    }
    let digits = digits.clamp(1, 17);
    let scientific = format!("{number:.*e}", digits - 1);
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..15).contains(&exponent) {
        let decimals = usize::try_from(digits as i32 - 1 - exponent).unwrap_or(0);
        return without_zeros(&format!("{number:.decimals$}")).to_owned();
    }
    format!("{}e{exponent}", without_zeros(mantissa))
}

fn without_zeros(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

/// A duration in its two largest units: `42 s`, `3 min 05 s`, `2 h 03 min`, `1 d 04 h`.
pub fn duration_text(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if seconds == 0 && !duration.is_zero() {
        return format!("{} ms", duration.as_millis().max(1));
    }
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {:02} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {:02} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_cell_stays_one_cell() {
        assert_eq!(cell("a|b\r\nc\nd\\|"), "a\\|b c d\\\\\\|");
        assert!(!cell("\u{1b}[31m").contains('\u{1b}'));
    }

    #[test]
    fn a_quoted_word_comes_back_from_a_shell_as_it_was() {
        for text in ["plain", "it's", "$(id) `id` \\ \"x\"", "two\nlines", "", "-n *"] {
            let script = format!("printf %s {}", quoted(text));
            let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), text);
        }
    }

    #[test]
    fn numbers_keep_their_significant_digits() {
        for (number, digits, expected) in [
            (0.0, 4, "0"),
            (0.032_04, 3, "0.032"),
            (2e-4, 4, "0.0002"),
            (1.234_56e-5, 3, "1.23e-5"),
            (123_456.0, 4, "123456"),
            (-1.5, 4, "-1.5"),
            (9.9999, 3, "10"),
            (1e20, 4, "1e20"),
            (100.0, 2, "100"),
        ] {
            assert_eq!(number_text(number, digits), expected);
        }
        assert_eq!(number_text(f64::NAN, 4), "NaN");
    }

    #[test]
    fn durations_show_two_units() {
        let shown = |seconds| duration_text(Duration::from_secs_f64(seconds));
        assert_eq!(
            [shown(0.0), shown(0.25), shown(42.9), shown(185.0)],
            ["0 s", "250 ms", "42 s", "3 min 05 s"]
        );
        assert_eq!([shown(7380.0), shown(100_800.0)], ["2 h 03 min", "1 d 04 h"]);
    }

    #[test]
    fn a_workspace_copy_overrides_and_an_absent_name_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let built_in =
            [("a.md", "# {{ name }}\n| {{ note | cell }} |\n"), ("b.md", "{{ loss | number(3) }} <b>")];
        let data = json!({"name": "x & <y>", "note": "p|q", "loss": 0.123_456});
        let templates = ReportTemplates::new(&built_in, Some(folder.path())).unwrap();
        assert_eq!(templates.render("a.md", &data).unwrap(), "# x & <y>\n| p\\|q |\n");
        assert_eq!(templates.render("b.md", &data).unwrap(), "0.123 <b>");
        std::fs::write(folder.path().join("a.md"), "own {{ seconds | duration }} {{ absent }}").unwrap();
        let templates = ReportTemplates::new(&built_in, Some(folder.path())).unwrap();
        let error = templates.render("a.md", &json!({"seconds": 61})).unwrap_err();
        assert_eq!((error.name.as_str(), error.line), ("a.md", Some(1)));
        std::fs::write(folder.path().join("b.md"), "{% if %}").unwrap();
        assert!(ReportTemplates::new(&built_in, Some(folder.path())).is_err());
    }
}

//! Chat templates as Hugging Face's models bring them: Jinja that turns messages into one text.

mod generation;

use std::ops::Range;

use minijinja::value::Serde;
use minijinja::{Environment, Value, context};
use serde::{Deserialize, Serialize};

use super::{TemplateError, python};
use crate::time::Moment;

const NAME: &str = "chat template";

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// `system`, `user` or `assistant`.
    pub role: String,
    /// The text.
    pub content: String,
}

impl Message {
    /// A message of `role` saying `content`.
    pub fn new(role: impl Into<String>, content: impl Into<String>) -> Self {
        Self { role: role.into(), content: content.into() }
    }
}

/// What a template made of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The text that the model sees.
    pub text: String,
    /// The bytes of the text inside `{% generation %}` tags; empty where the template has none.
    pub assistant_spans: Vec<Range<usize>>,
}

/// A compiled chat template.
#[derive(Clone, Debug)]
pub struct ChatTemplate {
    plain: Environment<'static>,
    /// The same with `{% generation %}` blocks wrapped in marks, where it has such blocks.
    marking: Option<Environment<'static>>,
}

impl ChatTemplate {
    /// Compiles a template. `now` is the time that `strftime_now` tells it, in UTC: fixed for a whole training, so
    /// that a resumed one sees the same texts.
    pub fn compile(source: &str, now: Moment) -> Result<Self, TemplateError> {
        // Jinja reads its source with universal newlines.
        let source = source.replace("\r\n", "\n").replace('\r', "\n");
        let (source, has_blocks) = generation::rename_tags(&source);
        let environment =
            |marked| compiled(&source, now, marked).map_err(|error| TemplateError::from_engine(NAME, &error));
        let plain = environment(false)?;
        let marking = if has_blocks { Some(environment(true)?) } else { None };
        Ok(Self { plain, marking })
    }

    /// Whether the template itself says which text is the assistant's.
    pub fn has_generation_blocks(&self) -> bool {
        self.marking.is_some()
    }

    /// Renders a conversation; `bos` and `eos` are the tokens as text. A template's `raise_exception` is an error.
    pub fn render(
        &self,
        messages: &[Message],
        add_generation_prompt: bool,
        bos: &str,
        eos: &str,
    ) -> Result<Rendered, TemplateError> {
        let render = |environment: &Environment<'static>| {
            let context = context! {
                messages => Value::from(Serde(messages)),
                tools => (),
                documents => (),
                add_generation_prompt => add_generation_prompt,
                bos_token => bos,
                eos_token => eos,
            };
            let template = environment.get_template(NAME);
            template
                .and_then(|template| template.render(context))
                .map_err(|e| TemplateError::from_engine(NAME, &e))
        };
        let text = render(&self.plain)?;
        let Some(marking) = &self.marking else { return Ok(Rendered { text, assistant_spans: Vec::new() }) };
        if generation::holds_marks(&text) {
            return Err(TemplateError::new(
                NAME,
                "a message holds a character that is reserved for marking spans",
            ));
        }
        let (unmarked, assistant_spans) = generation::strip_marks(&render(marking)?);
        if unmarked != text {
            // A filter such as `trim` around the block looked at its first or last characters.
            let message =
                "the text around its {% generation %} blocks depends on what they hold; spans are not known";
            return Err(TemplateError::new(NAME, message));
        }
        Ok(Rendered { text, assistant_spans })
    }
}

fn compiled(source: &str, now: Moment, marked: bool) -> Result<Environment<'static>, minijinja::Error> {
    let mut environment = python::environment(now)?;
    environment.add_function(generation::FUNCTION, generation::function(marked));
    environment.add_template_owned(NAME, source.to_owned())?;
    Ok(environment)
}

#[cfg(test)]
mod tests;

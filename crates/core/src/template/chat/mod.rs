//! Chat templates as Hugging Face's models bring them: Jinja that turns messages into one text.

mod generation;

use std::ops::Range;

use minijinja::value::Serde;
use minijinja::{Environment, Value, context};
use serde::{Deserialize, Serialize};

use generation::Marks;

use super::python::source::{Rewritten, rewrite};
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
    /// The same with marks around `{% generation %}` blocks, where it has such blocks.
    marking: Option<Environment<'static>>,
    /// The source as the engine reads it, and the time it is told.
    source: String,
    now: Moment,
}

impl ChatTemplate {
    /// Compiles a template. `now` is the time that `strftime_now` tells it, in local time: fixed for a whole training,
    /// so that a resumed one sees the same texts.
    pub fn compile(source: &str, now: Moment) -> Result<Self, TemplateError> {
        // Jinja reads its source with universal newlines.
        let source = source.replace("\r\n", "\n").replace('\r', "\n");
        let Rewritten { source, has_generation } = rewrite(&source);
        let plain = compiled(&source, now, None)?;
        let marking =
            if has_generation { Some(compiled(&source, now, Some(Marks::default()))?) } else { None };
        Ok(Self { plain, marking, source, now })
    }

    /// Whether the template itself says which text is the assistant's.
    pub fn has_generation_blocks(&self) -> bool {
        self.marking.is_some()
    }

    /// Renders a conversation to its text alone; `bos` and `eos` are the tokens as text. A template's
    /// `raise_exception` is an error.
    pub fn text(
        &self,
        messages: &[Message],
        add_generation_prompt: bool,
        bos: &str,
        eos: &str,
    ) -> Result<String, TemplateError> {
        rendered(&self.plain, messages, add_generation_prompt, bos, eos)
    }

    /// Renders a conversation; `bos` and `eos` are the tokens as text. A template's `raise_exception` is an error.
    pub fn render(
        &self,
        messages: &[Message],
        add_generation_prompt: bool,
        bos: &str,
        eos: &str,
    ) -> Result<Rendered, TemplateError> {
        let text = self.text(messages, add_generation_prompt, bos, eos)?;
        let Some(marking) = &self.marking else { return Ok(Rendered { text, assistant_spans: Vec::new() }) };
        let fault = |message: &str| TemplateError::new(NAME, message);
        let marks = Marks::absent_from(&text)
            .ok_or_else(|| fault("the text holds every character for private use"))?;
        let other;
        let marking = if marks == Marks::default() {
            marking
        } else {
            other = compiled(&self.source, self.now, Some(marks))?;
            &other
        };
        let (unmarked, assistant_spans) =
            marks.strip(&rendered(marking, messages, add_generation_prompt, bos, eos)?);
        if unmarked != text {
            // A filter such as `trim` around the block looked at its first or last characters.
            return Err(fault(
                "the text around its {% generation %} blocks depends on what they hold; spans are not known",
            ));
        }
        Ok(Rendered { text, assistant_spans })
    }
}

fn rendered(
    environment: &Environment<'static>,
    messages: &[Message],
    add_generation_prompt: bool,
    bos: &str,
    eos: &str,
) -> Result<String, TemplateError> {
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
        .map_err(|error| TemplateError::from_engine(NAME, &error))
}

fn compiled(source: &str, now: Moment, marks: Option<Marks>) -> Result<Environment<'static>, TemplateError> {
    let compile = || {
        let mut environment = python::environment(now)?;
        generation::add_functions(&mut environment, marks);
        environment.add_template_owned(NAME, source.to_owned())?;
        Ok(environment)
    };
    compile().map_err(|error| TemplateError::from_engine(NAME, &error))
}

#[cfg(test)]
mod tests;

//! Gives the judges (scripts that compare with Hugging Face's libraries) what this crate makes of an input:
//! `probe tokens MODEL` reads one JSON text per line and answers one list of ids per line;
//! `probe render` reads one JSON object per line (template, messages, prompt, bos, eos) and answers text and spans;
//! `probe blocks TYPE` reads raw blocks and answers little-endian f32 numbers.

use std::io::{self, BufRead, Read, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};
use loradeck_core::template::chat::{ChatTemplate, Message};
use loradeck_core::time::Moment;
use loradeck_data::base_model::BaseModel;
use loradeck_data::gguf::{BlockType, dequantize};
use loradeck_data::tokenizer::Tokenizer;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["tokens", model] => tokens(model),
        ["render"] => render(),
        ["blocks", number] => blocks(number.parse()?),
        _ => bail!("usage: probe tokens MODEL | probe render | probe blocks TYPE"),
    }
}

fn tokens(model: &str) -> Result<()> {
    let tokenizer = Tokenizer::of(&BaseModel::find(Path::new("."), model)?)?;
    for line in io::stdin().lock().lines() {
        let text: String = serde_json::from_str(&line?)?;
        let ids = tokenizer.encode(&text, false)?;
        let (skipped, kept) = (tokenizer.decode(&ids, true)?, tokenizer.decode(&ids, false)?);
        println!("{}", serde_json::json!({"ids": ids, "skipped": skipped, "kept": kept}));
    }
    Ok(())
}

#[derive(serde::Deserialize)]
struct Request {
    template: String,
    messages: Vec<Message>,
    prompt: bool,
    bos: String,
    eos: String,
}

fn render() -> Result<()> {
    for line in io::stdin().lock().lines() {
        let request: Request = serde_json::from_str(&line?)?;
        let rendered = ChatTemplate::compile(&request.template, Moment::now()).and_then(|template| {
            template.render(&request.messages, request.prompt, &request.bos, &request.eos)
        });
        let answer = match rendered {
            Ok(rendered) => {
                let spans: Vec<_> =
                    rendered.assistant_spans.iter().map(|span| [span.start, span.end]).collect();
                serde_json::json!({"text": rendered.text, "spans": spans})
            }
            Err(error) => serde_json::json!({"error": error.to_string()}),
        };
        println!("{answer}");
    }
    Ok(())
}

fn blocks(number: u32) -> Result<()> {
    let block_type = BlockType::from_number(number).context("no such block type")?;
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes)?;
    let values: Vec<u8> = dequantize(block_type, &bytes).into_iter().flat_map(f32::to_le_bytes).collect();
    io::stdout().write_all(&values)?;
    Ok(())
}

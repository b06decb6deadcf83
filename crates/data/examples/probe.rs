//! Gives the judges (scripts that compare with Hugging Face's libraries) what this crate makes of an input:
//! `probe tokens MODEL` reads one JSON text per line and answers one list of ids per line;
//! `probe render` reads one JSON object per line (template, messages, prompt, bos, eos) and answers text and spans;
//! `probe chats MODEL` reads one JSON object per line (template, messages) and answers ids, mask and text, or the error;
//! `probe samples MODEL` reads one JSON list of messages per line and answers ids and mask;
//! `probe weights MODEL` reads one Hugging Face name per line and answers the weights' little-endian f32 numbers;
//! `probe frequencies MODEL` answers the rotary frequencies of a head;
//! `probe check FILE` checks the experiment with this frozen configuration and answers what it found;
//! `probe blocks TYPE` reads raw blocks and answers little-endian f32 numbers.

use std::io::{self, BufRead, Read, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};
use loradeck_core::template::chat::{ChatTemplate, Message};
use loradeck_core::time::Moment;
use loradeck_data::base_model::BaseModel;
use loradeck_data::chat::{ChatEncoder, ChatOptions};
use loradeck_data::gguf::{BlockType, dequantize};
use loradeck_data::tokenizer::Tokenizer;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["tokens", model] => tokens(model),
        ["samples", model] => samples(model),
        ["chats", model] => chats(model),
        ["weights", model] => weights(model),
        ["frequencies", model] => {
            let model = BaseModel::find(Path::new("."), model)?;
            model.shape().inverse_frequencies().iter().for_each(|frequency| println!("{frequency:e}"));
            Ok(())
        }
        ["check", config] => check(config),
        ["render"] => render(),
        ["blocks", number] => blocks(number.parse()?),
        _ => bail!(
            "usage: probe tokens MODEL | probe samples MODEL | probe render | probe weights MODEL | probe frequencies MODEL | probe check FILE | probe blocks TYPE"
        ),
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

fn samples(model: &str) -> Result<()> {
    let tokenizer = Tokenizer::of(&BaseModel::find(Path::new("."), model)?)?;
    let encoder = ChatEncoder::new(&tokenizer, Moment::now())?;
    let options = ChatOptions { max_seq_len: usize::MAX, train_on_prompt: false };
    for line in io::stdin().lock().lines() {
        let messages: Vec<Message> = serde_json::from_str(&line?)?;
        let sample = encoder.encode(&messages, options)?.sample;
        println!("{}", serde_json::json!({"ids": sample.ids, "mask": sample.labels_mask}));
    }
    Ok(())
}

#[derive(serde::Deserialize)]
struct Chat {
    template: String,
    messages: Vec<Message>,
}

fn chats(model: &str) -> Result<()> {
    let tokenizer = Tokenizer::of(&BaseModel::find(Path::new("."), model)?)?;
    let options = ChatOptions { max_seq_len: usize::MAX, train_on_prompt: false };
    let now = Moment::now();
    for line in io::stdin().lock().lines() {
        let chat: Chat = serde_json::from_str(&line?)?;
        let encoded = ChatEncoder::with_template(&tokenizer, &chat.template, now)
            .and_then(|encoder| encoder.encode(&chat.messages, options));
        let answer = match encoded {
            Ok(encoded) => {
                let left_out: Vec<String> = encoded.left_out.iter().map(ToString::to_string).collect();
                serde_json::json!({
                    "ids": encoded.sample.ids, "mask": encoded.sample.labels_mask, "left_out": left_out,
                    "ends": encoded.turn_ends,
                })
            }
            Err(error) => serde_json::json!({"error": error.to_string()}),
        };
        println!("{answer}");
    }
    Ok(())
}

fn weights(model: &str) -> Result<()> {
    let model = BaseModel::find(Path::new("."), model)?;
    for name in io::stdin().lock().lines() {
        let view = model.weights().tensor(&name?)?;
        let values: Vec<u8> = view.to_f32().iter().flat_map(|value| value.to_le_bytes()).collect();
        io::stdout().write_all(&values)?;
    }
    Ok(())
}

fn check(config: &str) -> Result<()> {
    let (settings, _) = loradeck_core::config::load_frozen(Path::new(config), &[])?;
    let summary = loradeck_data::check::check(Path::new("."), &settings, false, Moment::now())?;
    println!("{}", serde_json::to_string_pretty(&summary)?);
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

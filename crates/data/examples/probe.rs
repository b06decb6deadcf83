//! Gives the judges (scripts that compare with Hugging Face's libraries) what this crate makes of an input:
//! `probe tokens MODEL` reads one JSON text per line and answers one list of ids per line;
//! `probe blocks TYPE` reads raw blocks and answers little-endian f32 numbers.

use std::io::{self, BufRead, Read, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};
use loradeck_data::base_model::BaseModel;
use loradeck_data::gguf::{BlockType, dequantize};
use loradeck_data::tokenizer::Tokenizer;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["tokens", model] => tokens(model),
        ["blocks", number] => blocks(number.parse()?),
        _ => bail!("usage: probe tokens MODEL | probe blocks TYPE"),
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

fn blocks(number: u32) -> Result<()> {
    let block_type = BlockType::from_number(number).context("no such block type")?;
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes)?;
    let values: Vec<u8> = dequantize(block_type, &bytes).into_iter().flat_map(f32::to_le_bytes).collect();
    io::stdout().write_all(&values)?;
    Ok(())
}

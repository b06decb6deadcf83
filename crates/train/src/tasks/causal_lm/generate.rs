//! Greedy answers to several prompts at once.

use tch::{Device, Kind, TchError, Tensor};

use crate::models::llama::Llama;

/// When an answer ends.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Tokens an answer may have.
    pub tokens: usize,
    /// Ids that end it; they do not become part of it.
    pub stops: Vec<u32>,
    /// The id to pad prompts with.
    pub pad_id: u32,
}

/// The most likely answer to each prompt, token by token. A prompt without tokens gets no answer. `None` where
/// `interrupted`, asked before every token, said to leave off.
pub fn greedy(
    model: &Llama,
    prompts: &[Vec<u32>],
    limits: &Limits,
    device: Device,
    mut interrupted: impl FnMut() -> bool,
) -> Result<Option<Vec<Vec<u32>>>, TchError> {
    let longest = prompts.iter().map(Vec::len).max().unwrap_or(0);
    let room = limits.tokens.min(model.positions().saturating_sub(longest));
    if longest == 0 || room == 0 || prompts.iter().any(Vec::is_empty) {
        return Ok(Some(vec![Vec::new(); prompts.len()]));
    }
    let int = |values: &[i64]| Tensor::f_from_slice(values)?.f_to_device_(device, Kind::Int64, false, false);
    let mut answers = Answers::new(prompts.len());
    let (ids, last) = padded(prompts, longest, limits.pad_id);
    let (mut logits, mut cache) = model.prefill(
        &int(&ids)?,
        prompts.len() as i64,
        longest as i64,
        (longest + room) as i64,
        &int(&last)?,
    )?;
    let mut positions: Vec<i64> = prompts.iter().map(|prompt| prompt.len() as i64).collect();
    for count in 1..=room {
        if interrupted() {
            return Ok(None);
        }
        let next = logits.f_argmax(-1, false)?.f_to_device_(Device::Cpu, Kind::Int64, false, false)?;
        let mut chosen = vec![0i64; prompts.len()];
        next.f_copy_data(&mut chosen, prompts.len())?;
        answers.add(&chosen, &limits.stops);
        if answers.are_complete() || count == room {
            break;
        }
        let longest = positions.iter().copied().max().unwrap_or(0);
        logits = model.decode(&int(&chosen)?, &int(&positions)?, longest, &mut cache)?;
        for position in &mut positions {
            *position += 1;
        }
    }
    Ok(Some(answers.tokens))
}

/// Prompts padded on the right, and the row of each one's last token.
fn padded(prompts: &[Vec<u32>], length: usize, pad_id: u32) -> (Vec<i64>, Vec<i64>) {
    let mut ids = Vec::with_capacity(prompts.len() * length);
    let mut last = Vec::with_capacity(prompts.len());
    for (index, prompt) in prompts.iter().enumerate() {
        ids.extend(prompt.iter().map(|id| i64::from(*id)));
        ids.resize((index + 1) * length, i64::from(pad_id));
        last.push((index * length + prompt.len() - 1) as i64);
    }
    (ids, last)
}

struct Answers {
    tokens: Vec<Vec<u32>>,
    ended: Vec<bool>,
}

impl Answers {
    fn new(count: usize) -> Self {
        Self { tokens: vec![Vec::new(); count], ended: vec![false; count] }
    }

    fn add(&mut self, chosen: &[i64], stops: &[u32]) {
        for ((answer, ended), id) in self.tokens.iter_mut().zip(&mut self.ended).zip(chosen) {
            let id = u32::try_from(*id).unwrap_or(0);
            *ended |= stops.contains(&id);
            if !*ended {
                answer.push(id);
            }
        }
    }

    fn are_complete(&self) -> bool {
        self.ended.iter().all(|ended| *ended)
    }
}

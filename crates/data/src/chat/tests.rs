//! What of a conversation is learnt.

use super::*;
use crate::tokenizer::testing::{CHATML, tokenizer};

const OPTIONS: ChatOptions = ChatOptions { max_seq_len: 1000, train_on_prompt: false };

fn chat(turns: &[(&str, &str)]) -> Vec<Message> {
    turns.iter().map(|(role, content)| Message::new(*role, *content)).collect()
}

fn two_turns() -> Vec<Message> {
    chat(&[("user", "he"), ("assistant", "hello"), ("user", "12"), ("assistant", "ll\n")])
}

/// The learnt pieces of text, joined where tokens follow each other.
fn learnt(template: &str, messages: &[Message], options: ChatOptions) -> Result<Vec<String>, ChatError> {
    let tokenizer = tokenizer("smollm", template).unwrap();
    let encoded = ChatEncoder::new(&tokenizer, Moment(0))?.encode(messages, options)?;
    let Sample { ids, labels_mask } = encoded.sample;
    assert_eq!(ids.len(), labels_mask.len());
    let mut pieces: Vec<String> = Vec::new();
    let mut previous = false;
    for (id, learnt) in ids.iter().zip(labels_mask) {
        let token = tokenizer.decode(&[*id], false).unwrap();
        match pieces.last_mut() {
            Some(piece) if learnt && previous => piece.push_str(&token),
            _ if learnt => pieces.push(token),
            _ => {}
        }
        previous = learnt;
    }
    Ok(pieces)
}

#[test]
fn the_answer_and_its_end_are_learnt_but_no_header() {
    let pieces = learnt(CHATML, &two_turns(), OPTIONS).unwrap();
    assert_eq!(pieces, ["hello<|im_end|>", "ll\n<|im_end|>"]);
}

#[test]
fn generation_tags_decide_where_there_are_any() {
    let template = "{% for m in messages %}{{ m.role }}:{% if m.role == 'assistant' %}{% generation %}{{ m.content }}\
                    {{ eos_token }}{% endgeneration %}{% else %}{{ m.content }}{% endif %};{% endfor %}";
    assert_eq!(learnt(template, &two_turns(), OPTIONS).unwrap(), ["hello<|im_end|>", "ll\n<|im_end|>"]);
}

#[test]
fn the_prompt_is_learnt_on_request() {
    let options = ChatOptions { train_on_prompt: true, ..OPTIONS };
    let pieces = learnt(CHATML, &chat(&[("user", "he"), ("assistant", "12")]), options).unwrap();
    assert_eq!(pieces, ["<|im_start|>user\nhe<|im_end|>\n<|im_start|>assistant\n12<|im_end|>\n"]);
}

#[test]
fn a_template_that_rewrites_earlier_turns_is_refused() {
    let template = "{% for m in messages %}[{{ m.content if loop.last else '-' }}]{% endfor %}{% if add_generation_prompt %}>{% endif %}";
    let error = learnt(template, &two_turns(), OPTIONS).unwrap_err();
    assert!(matches!(error, ChatError::NotAPrefix { message: 2 }), "{error}");
    // The same with tags is fine: nothing has to be guessed.
    let tagged = "{% for m in messages %}[{% if m.role == 'assistant' and loop.last %}{% generation %}{{ m.content }}{% endgeneration %}{% endif %}]{% endfor %}";
    assert_eq!(learnt(tagged, &two_turns(), OPTIONS).unwrap(), ["ll\n"]);
}

#[test]
fn a_cut_sample_keeps_its_beginning() {
    let tokenizer = tokenizer("smollm", CHATML).unwrap();
    let encoder = ChatEncoder::new(&tokenizer, Moment(0)).unwrap();
    let whole = encoder.encode(&two_turns(), OPTIONS).unwrap();
    let options = ChatOptions { max_seq_len: whole.full_length - 5, ..OPTIONS };
    let cut = encoder.encode(&two_turns(), options).unwrap();
    assert_eq!((cut.full_length, cut.sample.ids.len()), (whole.full_length, whole.full_length - 5));
    assert_eq!(cut.sample.ids, whole.sample.ids[..whole.full_length - 5]);
    let options = ChatOptions { max_seq_len: 5, ..OPTIONS };
    let error = encoder.encode(&two_turns(), options).unwrap_err().to_string();
    assert!(error.contains("none of the assistant's are among the first 5 (max_seq_len)"), "{error}");
}

#[test]
fn turns_without_an_end_token_are_counted() {
    let template = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}";
    let tokenizer = tokenizer("smollm", template).unwrap();
    let encoder = ChatEncoder::new(&tokenizer, Moment(0)).unwrap();
    assert_eq!(encoder.encode(&two_turns(), OPTIONS).unwrap().turns_without_end, 2);
}

#[test]
fn a_prompt_ends_where_the_assistant_begins() {
    let tokenizer = tokenizer("smollm", CHATML).unwrap();
    let encoder = ChatEncoder::new(&tokenizer, Moment(0)).unwrap();
    let ids = encoder.prompt(&chat(&[("user", "he")])).unwrap();
    assert_eq!(
        tokenizer.decode(&ids, false).unwrap(),
        "<|im_start|>user\nhe<|im_end|>\n<|im_start|>assistant\n"
    );
    let whole = encoder.encode(&chat(&[("user", "he"), ("assistant", "12")]), OPTIONS).unwrap();
    assert_eq!(whole.sample.ids[..ids.len()], ids);
    assert!(!whole.sample.labels_mask[ids.len() - 1] && whole.sample.labels_mask[ids.len()]);
}

#[test]
fn a_model_without_a_template_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("tokenizer.json"),
        tokenizer("smollm", "").unwrap().files().unwrap()[0].1.clone(),
    )
    .unwrap();
    crate::base_model::testing::write_folder(folder.path(), &crate::base_model::testing::config());
    let model = crate::base_model::BaseModel::find(folder.path(), ".").unwrap();
    let tokenizer = Tokenizer::of(&model).unwrap();
    assert!(matches!(ChatEncoder::new(&tokenizer, Moment(0)), Err(ChatError::NoTemplate)));
}

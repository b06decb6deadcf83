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
fn answers_that_the_template_leaves_out_are_told() {
    let template = "{% for m in messages %}[{{ m.content if loop.last else '-' }}]{% endfor %}{% if add_generation_prompt %}>{% endif %}";
    assert_eq!(learnt(template, &two_turns(), OPTIONS).unwrap(), ["ll\n"]);
    let tokenizer = tokenizer("smollm", template).unwrap();
    let encoded = ChatEncoder::new(&tokenizer, Moment(0)).unwrap().encode(&two_turns(), OPTIONS).unwrap();
    assert_eq!(encoded.left_out, [LeftOut::Role("user".to_owned()), LeftOut::Answer]);
    // The same with tags.
    let tagged = "{% for m in messages %}[{% if m.role == 'assistant' and loop.last %}{% generation %}{{ m.content }}{% endgeneration %}{% endif %}]{% endfor %}";
    assert_eq!(learnt(tagged, &two_turns(), OPTIONS).unwrap(), ["ll\n"]);
}

#[test]
fn an_answer_outside_of_the_tags_is_refused() {
    let partly = "{% for m in messages %}[{% if loop.last %}{% generation %}{{ m.content }}{% endgeneration %}{% else %}{{ m.content }}{% endif %}]{% endfor %}";
    let error = learnt(partly, &two_turns(), OPTIONS).unwrap_err();
    assert!(matches!(error, ChatError::OutsideOfTags { message: 2 }), "{error}");
    let beside = "{% for m in messages %}{{ m.content }}{% generation %};{% endgeneration %}{% endfor %}";
    assert!(matches!(learnt(beside, &two_turns(), OPTIONS), Err(ChatError::OutsideOfTags { message: 2 })));
}

/// The learnt pieces of two turns and of a single one.
fn both(template: &str) -> [Vec<String>; 2] {
    [two_turns(), chat(&[("user", "he"), ("assistant", "12")])]
        .map(|messages| learnt(template, &messages, OPTIONS).unwrap())
}

const TURNS: &str =
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>' }}{% endfor %}";

#[test]
fn a_prompt_may_hold_what_stored_turns_lack() {
    let template =
        format!("{TURNS}{{% if add_generation_prompt %}}<|im_start|>assistant\n<think>{{% endif %}}");
    assert_eq!(both(&template), [vec!["hello<|im_end|>", "ll\n<|im_end|>"], vec!["12<|im_end|>"]]);
}

#[test]
fn what_stands_at_the_end_alone_is_not_learnt() {
    let end = format!("{TURNS}{{% if not add_generation_prompt %}}<|endoftext|>{{% endif %}}");
    let always = format!("{TURNS}<|im_start|>assistant\n");
    for template in [end, always] {
        assert_eq!(both(&template), [vec!["hello<|im_end|>", "ll\n<|im_end|>"], vec!["12<|im_end|>"]]);
    }
}

#[test]
fn the_last_answer_may_be_written_otherwise() {
    let template = "{% for m in messages %}<|im_start|>{{ m.role }}:{% if loop.last %}<think></think>{% endif %}{{ m.content | trim }}<|im_end|>{% endfor %}";
    assert_eq!(both(template), [vec!["hello<|im_end|>", "ll<|im_end|>"], vec!["12<|im_end|>"]]);
    // Behind a generation prompt the model has to write these words itself.
    let template = format!("{template}{{% if add_generation_prompt %}}<|im_start|>assistant:{{% endif %}}");
    let pieces = both(&template);
    assert_eq!(
        pieces,
        [vec!["hello<|im_end|>", "<think></think>ll<|im_end|>"], vec!["<think></think>12<|im_end|>"]]
    );
}

#[test]
fn the_next_roles_mark_ends_a_turn_that_has_no_end() {
    let template = "{% for m in messages %}{% if m.role == 'user' %}<|im_start|>{% else %}<|im_end|>{% endif %}{{ m.content }}{% endfor %}";
    assert_eq!(both(template), [vec!["hello<|im_start|>", "ll\n"], vec!["12"]]);
}

#[test]
fn thinking_is_learnt_where_it_is_written_and_told_where_it_is_not() {
    let keep = "{% for m in messages %}<|im_start|>{% if '</think>' in m.content %}{% set t = m.content.split('</think>') %}\
                <t>{{ t[0].split('<think>')[-1] | trim }}</t>{{ t[-1] | trim }}{% else %}{{ m.content }}{% endif %}<|im_end|>{% endfor %}";
    let drop = "{% for m in messages %}<|im_start|>{{ m.content.split('</think>')[-1].lstrip('\n') }}<|im_end|>{% endfor %}";
    let messages = chat(&[
        ("user", "he"),
        ("assistant", "<think>\nll\n</think>\n\nhello"),
        ("user", "e"),
        ("assistant", "<think>h</think>12"),
    ]);
    assert_eq!(
        learnt(keep, &messages, OPTIONS).unwrap(),
        ["<t>ll</t>hello<|im_end|>", "<t>h</t>12<|im_end|>"]
    );
    assert_eq!(learnt(drop, &messages, OPTIONS).unwrap(), ["hello<|im_end|>", "12<|im_end|>"]);
    let tokenizer = tokenizer("smollm", drop).unwrap();
    let encoded = ChatEncoder::new(&tokenizer, Moment(0)).unwrap().encode(&messages, OPTIONS).unwrap();
    assert_eq!((encoded.left_out, encoded.turn_ends), (vec![LeftOut::Thinking], vec![2]));
}

#[test]
fn an_answer_that_is_rewritten_or_repeated_is_refused_but_may_be_learnt_with_the_prompt() {
    let repeated = "{% for m in messages %}[{{ m.content }}]{{ m.content }}{% endfor %}";
    let rewritten = "{% for m in messages %}[{{ m.content.replace('l', 'x') }}]{% if 'll' in m.content %}!{% endif %}{% endfor %}";
    let error = learnt(repeated, &two_turns(), OPTIONS).unwrap_err();
    assert!(matches!(error, ChatError::Repeated { message: 2 }), "{error}");
    let error = learnt(rewritten, &two_turns(), OPTIONS).unwrap_err();
    assert!(matches!(error, ChatError::Rewritten { message: 2 }), "{error}");
    for template in [repeated, rewritten] {
        let options = ChatOptions { train_on_prompt: true, ..OPTIONS };
        assert_eq!(learnt(template, &two_turns(), options).unwrap().len(), 1);
    }
}

#[test]
fn a_system_message_that_is_moved_or_left_out_is_told() {
    let last = "{% for m in messages %}{% if m.role != 'system' %}<|im_start|>{{ m.content }}{% if m.role == 'user' and loop.index0 > 2 %}{{ messages[0].content }}{% endif %}<|im_end|>{% endif %}{% endfor %}";
    let never = "{% for m in messages %}{% if m.role != 'system' %}<|im_start|>{{ m.content }}<|im_end|>{% endif %}{% endfor %}";
    let mut messages = two_turns();
    messages.insert(0, Message::new("system", "hello 12"));
    for (template, expected) in [(last, LeftOut::SystemMoved), (never, LeftOut::System)] {
        let tokenizer = tokenizer("smollm", template).unwrap();
        let encoded = ChatEncoder::new(&tokenizer, Moment(0)).unwrap().encode(&messages, OPTIONS).unwrap();
        assert_eq!(encoded.left_out, [expected]);
    }
}

#[test]
fn tags_that_set_slice_and_filter_lose_no_answer() {
    let head = "{% for m in messages %}{% set text = m.content %}<|im_start|>{% if m.role == 'assistant' %}";
    let tail = "{% else %}{{ text }}{% endif %}{% endfor %}";
    for inside in [
        "{% set text = text | trim %}{{ text }}",
        "{{ text[0:] | trim }}",
        "{{ text.strip() }}",
        "{% set text = text.strip() %}{{ text }}",
        "{% set t %}{{ text }}{% endset %}{{ t | trim }}",
        "{% with t = text %}{{ t | trim }}{% endwith %}",
        "{% set text = text %}{% filter replace(text, text | trim) %}{{ text }}{% endfilter %}",
        "{{ t(text) }}",
        "{{ u() }}",
    ] {
        let macros = "{% macro t(x) %}{% set x = x[0:] | trim %}{{ x }}{% endmacro %}";
        let template = format!(
            "{macros}{head}{{% macro u() %}}{{{{ text[0:] | trim }}}}{{% endmacro %}}{{% generation %}}{inside}<|im_end|>{{% endgeneration %}}{tail}"
        );
        let pieces = learnt(&template, &two_turns(), OPTIONS).unwrap();
        assert_eq!(pieces, ["hello<|im_end|>", "ll<|im_end|>"], "{inside}");
    }
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
fn answers_stop_at_the_token_that_ends_turns_in_the_template() {
    let stops = |template: &str| {
        let tokenizer = tokenizer("smollm", template).unwrap();
        ChatEncoder::new(&tokenizer, Moment(0)).unwrap().stop_ids()
    };
    assert_eq!(stops(CHATML), [2, 0]);
    assert_eq!(stops("{% for m in messages %}{{ m.content }}<|im_start|>{% endfor %}"), [2, 0, 1]);
    // The next role's mark, where turns have no end of their own.
    assert_eq!(
        stops(
            "{% for m in messages %}{% if m.role == 'user' %}<|im_start|>{% endif %}{{ m.content }} {% endfor %}"
        ),
        [2, 0, 1]
    );
    assert_eq!(stops("{{ raise_exception('never') }}"), [2, 0]);
}

#[test]
fn a_model_without_a_template_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("tokenizer.json"),
        tokenizer("smollm", "").unwrap().files(None).unwrap()[0].1.clone(),
    )
    .unwrap();
    crate::base_model::testing::write_folder(folder.path(), &crate::base_model::testing::config());
    let model = crate::base_model::BaseModel::find(folder.path(), ".").unwrap();
    let tokenizer = Tokenizer::of(&model).unwrap();
    assert!(matches!(ChatEncoder::new(&tokenizer, Moment(0)), Err(ChatError::NoTemplate)));
}

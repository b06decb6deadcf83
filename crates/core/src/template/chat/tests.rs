//! Renders against texts that Hugging Face's `apply_chat_template` (transformers 5.24) gave.

use super::*;

fn chat() -> Vec<Message> {
    vec![Message::new("user", " Hi <b>&\n"), Message::new("assistant", "Hello!"), Message::new("user", "Bye")]
}

fn render(source: &str, prompt: bool) -> Rendered {
    ChatTemplate::compile(source, Moment(0)).unwrap().render(&chat(), prompt, "<s>", "</s>").unwrap()
}

#[test]
fn the_three_usual_forms_come_out_right() {
    let chatml = "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + \
                  '<|im_end|>' + '\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";
    let text = "<|im_start|>user\n Hi <b>&\n<|im_end|>\n<|im_start|>assistant\nHello!<|im_end|>\n<|im_start|>user\nBye<|im_end|>\n";
    assert_eq!(render(chatml, false).text, text);
    assert_eq!(render(chatml, true).text, format!("{text}<|im_start|>assistant\n"));
    let llama3 = "{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = \
                  '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' + message['content'] | trim + '<|eot_id|>' %}\
                  {% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}";
    let text = "<s><|start_header_id|>user<|end_header_id|>\n\nHi <b>&<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n\
                Hello!<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nBye<|eot_id|>";
    assert_eq!(render(llama3, false).text, text);
}

#[test]
fn blocks_are_trimmed_as_in_jinja() {
    let source = "{%- for m in messages %}\r\n    {%- if m.role == 'user' %}\n[{{ m.content | trim }}]\n    {% else %}\n({{ m.content }})\n    {%- endif %}\n{%- endfor %}\n";
    assert_eq!(render(source, false).text, "[Hi <b>&]\n(Hello!)[Bye]\n");
}

#[test]
fn generation_blocks_give_spans() {
    let source = "{% for m in messages %}{{ m.role }}:{% if m.role == 'assistant' %}{% generation %}{{ m.content }}{{ eos_token }}{% endgeneration %}{% else %}{{ m.content }}{% endif %}\n{% endfor %}";
    let rendered = render(source, false);
    assert_eq!(rendered.text, "user: Hi <b>&\nassistant:Hello!</s>user:Bye");
    let spans: Vec<&str> = rendered.assistant_spans.iter().map(|span| &rendered.text[span.clone()]).collect();
    assert_eq!(spans, ["Hello!</s>"]);
}

#[test]
fn marks_that_change_the_text_are_noticed() {
    let source = "{% set x %}{% generation %} a {% endgeneration %}{% endset %}{{ x | trim }}";
    let template = ChatTemplate::compile(source, Moment(0)).unwrap();
    let error = template.render(&chat(), false, "", "").unwrap_err();
    assert!(error.message.contains("spans are not known"), "{error}");
    // A message that holds the usual marks gets others.
    let source = "{{ messages[0].content }}{% generation %}a{% endgeneration %}";
    let hostile = [Message::new("user", "\u{10fff0}\u{10fff1}")];
    let rendered = ChatTemplate::compile(source, Moment(0)).unwrap().render(&hostile, false, "", "").unwrap();
    assert_eq!(rendered.text, "\u{10fff0}\u{10fff1}a");
    assert_eq!((rendered.assistant_spans.len(), &rendered.assistant_spans[0]), (1, &(8..9)));
}

#[test]
fn errors_name_the_template_and_line() {
    let error = ChatTemplate::compile("a\n{% for %}", Moment(0)).unwrap_err();
    assert_eq!((error.name.as_str(), error.line), ("chat template", Some(2)));
    let template = ChatTemplate::compile("\n{{ raise_exception('only two turns') }}", Moment(0)).unwrap();
    let error = template.render(&chat(), false, "", "").unwrap_err().to_string();
    assert!(error.starts_with("chat template:2: ") && error.contains("only two turns"), "{error}");
}

#[test]
fn a_template_without_an_end_is_stopped() {
    let nested = "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}";
    let doubled =
        "{% set n = namespace(x='x' * 1000) %}{% for i in range(60) %}{% set n.x = n.x + n.x %}{% endfor %}";
    let replaced = "{% set n = namespace(x='x' * 1000) %}{% for i in range(9) %}{% set n.x = n.x.replace('x', n.x) %}{% endfor %}";
    let shared =
        "{% set n = namespace(x=[1]) %}{% for i in range(60) %}{% set n.x = [n.x, n.x] %}{% endfor %}";
    let calls = "{% macro m(k) %}{{ k }}{% endmacro %}{% for a in range(99999) %}{% for b in range(999) %}{{ m(b) }}{% endfor %}{% endfor %}";
    let as_json = format!("{shared}{{{{ n.x | tojson }}}}");
    let as_text = format!("{shared}{{{{ n.x }}}}");
    for source in [nested, doubled, replaced, calls, &as_json, &as_text] {
        let mut template = ChatTemplate::compile(source, Moment(0)).unwrap();
        // With all of it an unoptimized build takes seconds.
        assert!(template.plain.fuel().is_some());
        template.plain.set_fuel(Some(20_000));
        let error = template.render(&chat(), false, "", "").unwrap_err().to_string();
        assert!(
            error.starts_with("chat template") && error.contains("was stopped (hint:"),
            "{source}: {error}"
        );
    }
    let deep = "{% set n = namespace(x=[]) %}{% for i in range(1000) %}{% set n.x = [n.x] %}{% endfor %}{{ n.x | tojson }}";
    let error = ChatTemplate::compile(deep, Moment(0)).unwrap().render(&chat(), false, "", "").unwrap_err();
    assert!(error.message.contains("too deep in each other"), "{error}");
}

#[test]
fn a_very_long_conversation_needs_a_small_part_of_the_fuel() {
    let long: Vec<Message> =
        (0..2000).map(|n| Message::new(["user", "assistant"][n % 2], "word ".repeat(400))).collect();
    let source = "{% for m in messages %}{% if loop.first and m['role'] != 'system' %}{{ bos_token }}{% endif %}{{ '<|' + \
                  m['role'] + '|>' + m['content'].strip() | trim + eos_token }}{% endfor %}";
    let template = ChatTemplate::compile(source, Moment(0)).unwrap();
    assert!(template.render(&long, true, "<s>", "</s>").unwrap().text.len() > 3_900_000);
}

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
    let copying =
        ChatTemplate::compile("{% generation %}{{ messages[0].content }}{% endgeneration %}", Moment(0))
            .unwrap();
    let hostile = [Message::new("user", "\u{10fff0}")];
    assert!(copying.render(&hostile, false, "", "").unwrap_err().message.contains("reserved"));
}

#[test]
fn errors_name_the_template_and_line() {
    let error = ChatTemplate::compile("a\n{% for %}", Moment(0)).unwrap_err();
    assert_eq!((error.name.as_str(), error.line), ("chat template", Some(2)));
    let template = ChatTemplate::compile("\n{{ raise_exception('only two turns') }}", Moment(0)).unwrap();
    let error = template.render(&chat(), false, "", "").unwrap_err().to_string();
    assert!(error.starts_with("chat template:2: ") && error.contains("only two turns"), "{error}");
}

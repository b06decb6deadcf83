"""Chat templates through transformers and ours: equal texts and assistant spans, or exit 1. Further templates may be
given as files."""
import json
import subprocess
import sys

from transformers.utils.chat_template_utils import render_jinja_template

CHATML = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\nYou are"
    " a helpful assistant<|im_end|>\n' }}{% endif %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] +"
    " '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
LLAMA3 = (
    "{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = '<|start_header_id|>' +"
    " message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' %}{% if loop.index0 == 0 %}"
    "{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}{% if add_generation_prompt %}"
    "{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)
DATED = """{{- bos_token }}
{%- if not date_string is defined %}
    {%- if strftime_now is defined %}
        {%- set date_string = strftime_now("%d %b %Y") %}
    {%- else %}
        {%- set date_string = "26 Jul 2024" %}
    {%- endif %}
{%- endif %}
{%- if not tools is defined %}
    {%- set tools = none %}
{%- endif %}

{#- The system message is taken out first. #}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
{%- endif %}
{{- "<|start_header_id|>system<|end_header_id|>\\n\\n" }}
{%- if tools is not none %}
    {{- "Environment: ipython\\n" }}
{%- endif %}
{{- "Today Date: " + date_string + "\\n\\n" }}
{{- system_message }}
{{- "<|eot_id|>" }}
{%- for message in messages %}
    {%- if not (message.role == 'ipython' or 'tool_calls' in message) %}
        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n'+ message['content'] | trim + '<|eot_id|>' }}
    {%- elif 'tool_calls' in message %}
        {{- raise_exception("no tools here") }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
{%- endif %}
"""
ALTERNATING = (
    "{{ bos_token }}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
    "{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'].strip() + ' [/INST]' }}{% elif message['role'] =="
    " 'assistant' %}{{ ' ' + message['content'].strip() + ' ' + eos_token }}{% endif %}{% endfor %}"
)
THINKING = """{%- set ns = namespace(last=messages|length - 1, found=false) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if not ns.found and message.role == "user" and message.content is string and not message.content.startswith('<tool>') %}
        {%- set ns.found = true %}
        {%- set ns.last = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- set content = message.content %}
    {%- if message.role == "assistant" %}
        {%- if '</think>' in content %}
            {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
        {%- endif %}
        {{- '<|im_start|>' + message.role + '\\n' + content + '<|im_end|>\\n' }}
    {%- else %}
        {{- '<|im_start|>' + message.role + '\\n' + content + '<|im_end|>' + '\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""
TAGGED = (
    "{% for m in messages %}\n{%- if m.role == 'assistant' -%}\n<|assistant|>\n{% generation %}{{ m.content }}{{ eos_token }}"
    "\n{% endgeneration %}{% else %}\n<|{{ m.role }}|>\n{{ m.content }}\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
TAGGED_TIGHT = TAGGED.replace("{% generation %}", "{%- generation -%}").replace("{% endgeneration %}", "{%- endgeneration %}")
MACRO = """{% macro turn(m, i) -%}
  <{{ m.role|upper }} n={{ i }}>{{ m.content | replace("\\n", " ") }}</{{ m.role|upper }}>
{%- endmacro %}
{% for m in messages %}{{ turn(m, loop.index) }}{% if not loop.last %}, {% endif %}{% endfor %}
{{ messages | map(attribute='role') | join('+') }} {{ messages | selectattr('role', 'equalto', 'user') | list | length }}
{{ messages | tojson }} {{ messages[0] | tojson(indent=2) }} {{ 1.0 }} {{ 1e-5 }} {{ true }} {{ none }} {{ [1, 'a'] }}
{% for m in messages %}{% if loop.index > 2 %}{% break %}{% endif %}{{ m.content[:3] }}{% endfor %}
"""
CONVERSATIONS = [
    [("user", "Hi")],
    [("user", "Hi"), ("assistant", "Hello!")],
    [("system", "Be brief."), ("user", "What's <b>1 & 2</b>?"), ("assistant", "\"3\"")],
    [("user", "  spaces  \n"), ("assistant", "\n\nlines\n\n"), ("user", "émoji 🙂 {{ x }} {% y %}"), ("assistant", "<think>a</think>\n\nb")],
    [("user", "a\r\nb\tc"), ("assistant", "日本語"), ("user", ""), ("assistant", " ")],
    [("assistant", "first"), ("user", "second")],
]

templates = [CHATML, LLAMA3, DATED, ALTERNATING, THINKING, TAGGED, TAGGED_TIGHT, MACRO, DATED.replace("\n", "\r\n")]
for path in sys.argv[2:]:
    with open(path, encoding="utf-8", newline="") as file:
        templates.append(file.read())
requests = [
    {"template": template, "messages": [{"role": r, "content": c} for r, c in chat], "prompt": prompt, "bos": "<s>", "eos": "</s>"}
    for template in templates for chat in CONVERSATIONS for prompt in (False, True)
]
lines = "".join(json.dumps(request) + "\n" for request in requests)
answers = subprocess.run([sys.argv[1], "render"], input=lines.encode(), capture_output=True, check=True).stdout.decode()
wrong = 0
for request, line in zip(requests, answers.rstrip("\n").split("\n"), strict=True):
    ours = json.loads(line)
    try:
        texts, spans = render_jinja_template(
            conversations=[request["messages"]], chat_template=request["template"], add_generation_prompt=request["prompt"],
            return_assistant_tokens_mask=True, bos_token="<s>", eos_token="</s>",
        )
        text = texts[0]
        # transformers counts characters, we count bytes.
        theirs = {"text": text, "spans": [[len(text[:a].encode()), len(text[:b].encode())] for a, b in spans[0]]}
    except Exception as error:
        theirs = {"error": str(error)}
    same = ours == theirs if "error" not in theirs else "error" in ours
    if not same:
        wrong += 1
        if wrong <= 10:
            print(repr(request["template"][:60]), request["messages"], f"ours   {ours}", f"theirs {theirs}", sep="\n  ")
refused = sum("error" in json.loads(line) for line in answers.rstrip("\n").split("\n"))
print(f"{len(requests)} renders ({refused} refused by both), {wrong} differ")
sys.exit(wrong != 0)

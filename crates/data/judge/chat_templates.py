"""Templates of our own: each form that public ones take, small. `T` stands for generation tags around an answer."""

HEAD = "{% for m in messages %}{{ '<|' + m.role + '|>' }}"
PROMPT = "{% if add_generation_prompt %}<|assistant|>{% endif %}"
TAG, END = "{% generation %}", "{% endgeneration %}"


def tagged(inside, head="", before=""):
    """A template that marks the assistant's turns, which are written by `inside` with `text` set outside of it."""
    return (
        f"{head}{{% for m in messages %}}{{% set text = m.content %}}{before}{{{{ '<|' + m.role + '|>' }}}}{{% if m.role == 'assistant' %}}"
        f"{TAG}{inside}<|end|>{END}{{% else %}}{{{{ text }}}}<|end|>{{% endif %}}{{% endfor %}}{PROMPT}"
    )


def plain(answer="{{ m.content }}", end="<|end|>", after="", head="", prompt=PROMPT, other="{{ m.content }}"):
    """A template without tags."""
    return (
        f"{head}{HEAD}{{% if m.role == 'assistant' %}}{answer}{{% else %}}{other}{{% endif %}}{end}{{% endfor %}}{after}{prompt}"
    )


TEMPLATES = {
    # Tags: what stands inside of them.
    "tag": tagged("{{ text }}"),
    "tag set itself": tagged("{% set text = text | trim %}{{ text }}"),
    "tag slice": tagged("{{ text[0:] }}"),
    "tag slice one": tagged("{{ text[1:] }}{{ text[:1] }}{{ text }}"),
    "tag attribute slice": tagged("{{ m.content[:3] }}{{ m['content'][3:] }}"),
    "tag tilde": tagged("{{ text ~ '' }}"),
    "tag set block": tagged("{% set t %}{{ text }}{% endset %}{{ t }}"),
    "tag set block filter": tagged("{% set t | trim %}{{ text }}{% endset %}{{ t }}"),
    "tag with": tagged("{% with t = text %}{{ t }}{% endwith %}"),
    "tag with itself": tagged("{% with text = text | trim %}{{ text }}{% endwith %}"),
    "tag filter": tagged("{% filter trim %}{{ text }}{% endfilter %}"),
    "tag filter arguments": tagged("{% filter replace(text[0:], text | trim) %}{{ text }}{% endfilter %}"),
    "tag strip": tagged("{{ text.strip() }}"),
    "tag strip itself": tagged("{% set text = text.strip() %}{{ text }}"),
    "tag if": tagged("{% if text %}{% set text = text.rstrip() %}{{ text }}{% else %}-{% endif %}"),
    "tag for": tagged("{% for part in text.split('\\n') %}{{ part }}{% if not loop.last %}{{ '\\n' }}{% endif %}{% endfor %}"),
    "tag characters": tagged("{% for letter in text %}{{ letter }}{% endfor %}"),
    "tag namespace": tagged("{% set ns.turns = ns.turns + 1 %}{{ text }}", "{% set ns = namespace(turns=0) %}"),
    "tag namespace only set": tagged("{{ text }}{% set ns.done = true %}", "{% set ns = namespace(done=false) %}"),
    "tag namespace itself": tagged("{% set ns.t = ns.t | trim %}{{ ns.t }}", "{% set ns = namespace(t='') %}", "{% set ns.t = text %}"),
    "tag loop": tagged("{{ text }}{% if not loop.last %}{{ '\\n' }}{% endif %}"),
    "tag scope": tagged("{% set text = text | trim %}{{ text }}", "{% set seen = 'x' %}") + "{{ seen }}",
    "tag no leak": tagged("{% set seen = text %}{{ seen | trim }}", "{% set seen = 'x' %}") + "{{ seen }}",
    "tag macro": tagged("{{ say(text) }}", "{% macro say(t) %}{{ t | trim }}{% endmacro %}"),
    "tag macro slice": tagged("{{ say(text) }}", "{% set cut = [0, 9999] %}{% macro say(t) %}{{ t[cut[0]:] }}{% endmacro %}"),
    "tag macro outer slice": tagged("{{ say(text) }}", "{% set dots = '....' %}{% macro say(t) %}{{ t }}{{ dots[1:3] }}{% endmacro %}"),
    "tag macro outer set": tagged("{{ say(text) }}", "{% set dots = ' . ' %}{% macro say(t) %}{% set dots = dots | trim %}{{ t ~ dots }}{% endmacro %}"),
    "tag macro late": tagged("{{ say(text) }}", "{% macro say(t) %}{{ t ~ dots[:1] }}{% endmacro %}{% set dots = '..' %}"),
    "tag macro of macro": tagged("{{ say(text) }}", "{% macro cut(t) %}{{ t[0:] }}{% endmacro %}{% macro say(t, more='') %}{{ cut(t) }}{{ more }}{% endmacro %}"),
    "tag macro loops": tagged("{{ say(text) }}", "{% macro say(t) %}{% for p in t.split(' ') %}{{ p }}{{ ' ' if not loop.last }}{% endfor %}{% endmacro %}"),
    "tag call": tagged("{% call wrap() %}{{ text[0:] | trim }}{% endcall %}", "{% macro wrap() %}({{ caller() }}){% endmacro %}"),
    "tag think": tagged("{% if '</think>' in text %}{% set text = text.split('</think>')[-1].lstrip('\\n') %}{% endif %}{{ text }}"),
    "tag think written": tagged("<think>{{ text.split('</think>')[0].split('<think>')[-1] if '</think>' in text else '' }}</think>{{ text.split('</think>')[-1] }}"),
    "tag trimmed": "{%- for m in messages %}\n    {%- if m.role == 'assistant' %}\n<|assistant|>\n{%- generation -%}\n  {{ m.content }}<|end|>\n{%- endgeneration -%}\n{% else %}\n    {{ m.role }}: {{ m.content }}\n    {%- endif %}\n{%- endfor %}\n",
    "tag lines": "{% for m in messages %}\n    {% if m.role == 'assistant' %}\n<|assistant|>\n    {% generation %}\n{{ m.content }}<|end|>\n    {% endgeneration %}\n    {% else %}\n{{ m.role }}: {{ m.content }}\n    {% endif %}\n{% endfor %}\n",
    "tag plus": "{% for m in messages %}{% if m.role == 'assistant' %}<|assistant|>  {%+ generation +%}\n{{ m.content }}{% endgeneration +%}\n{% else %}{{ m.content }}{% endif %}{% endfor %}",
    "tag eos": tagged("{{ text + eos_token }}"),
    "tag two": "{% for m in messages %}{% if m.role == 'assistant' %}{% generation %}{{ m.content }}{% endgeneration %}<|sep|>{% generation %}<|end|>{% endgeneration %}{% else %}{{ m.content }}{% endif %}{% endfor %}",
    "tag only last": "{% for m in messages %}<|{{ m.role }}|>{% if loop.last %}{% generation %}{{ m.content }}<|end|>{% endgeneration %}{% else %}{{ m.content }}<|end|>{% endif %}{% endfor %}",
    "tag beside": "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% if m.role == 'assistant' %}{% generation %}<|end|>{% endgeneration %}{% endif %}{% endfor %}",
    "tag system moved": "{% set ns = namespace(s='') %}{% for m in messages %}{% if m.role == 'system' %}{% set ns.s = m.content %}{% endif %}{% endfor %}" + tagged("{{ text }}") + "{{ ns.s }}",
    # No tags: how turns are written.
    "plain": plain(),
    "plain trim": plain("{{ m.content | trim }}"),
    "plain prompt think": plain(prompt="{% if add_generation_prompt %}<|assistant|><think>\n{% endif %}"),
    "plain end at end": plain(after="{% if not add_generation_prompt %}{{ eos_token }}{% endif %}"),
    "plain last turn": plain("{% if loop.last %}<think></think>{% endif %}{{ m.content }}"),
    "plain last end": plain(end="{% if loop.last and m.role == 'assistant' %}<|return|>{% else %}<|end|>{% endif %}"),
    "plain first turn": plain("{% if loop.index < 3 %}!{% endif %}{{ m.content }}"),
    "plain no end": plain(end=""),
    "plain text end": plain(end="\n", head="Chat\n"),
    "plain prompt always": plain(prompt="<|assistant|>"),
    "plain channel": plain("<|channel|>final<|message|>{{ m.content }}", other="<|message|>{{ m.content }}"),
    "plain system last": "{% for m in messages %}{% if m.role == 'user' %}[INST]{% if loop.last and messages[0].role == 'system' %}{{ messages[0].content }} {% endif %}{{ m.content }}[/INST]{% elif m.role == 'assistant' %}{{ m.content + eos_token }}{% endif %}{% endfor %}",
    "plain llama2": "{% if messages[0].role == 'system' %}{% set loop_messages = messages[1:] %}{% set s = messages[0].content %}{% else %}{% set loop_messages = messages %}{% set s = false %}{% endif %}{% for m in loop_messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}{% if loop.index0 == 0 and s != false %}{% set content = '<<SYS>>\\n' + s + '\\n<</SYS>>\\n\\n' + m.content %}{% else %}{% set content = m.content %}{% endif %}{% if m.role == 'user' %}{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}{% elif m.role == 'assistant' %}{{ ' ' + content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}",
    "plain think dropped": plain("{% if '</think>' in m.content %}{{ m.content.split('</think>')[-1].lstrip('\\n') }}{% else %}{{ m.content }}{% endif %}"),
    "plain think written": plain("{% set c = m.content %}{% set r = '' %}{% if '</think>' in c %}{% set r = c.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}{% set c = c.split('</think>')[-1].lstrip('\\n') %}{% endif %}{% if loop.last or r %}{{ '<think>\\n' + r.strip('\\n') + '\\n</think>\\n\\n' + c.lstrip('\\n') }}{% else %}{{ c }}{% endif %}"),
    "plain alpaca": "{% for m in messages %}{% if m.role == 'user' %}### Instruction:\n{{ m.content }}\n\n{% elif m.role == 'assistant' %}### Response:\n{{ m.content }}\n\n{% else %}{{ m.content }}\n\n{% endif %}{% endfor %}{% if add_generation_prompt %}### Response:\n{% endif %}",
    "plain macro": plain("{{ say(m) }}", head="{% macro say(m) %}{{ m.content[0:] | trim }}{% endmacro %}"),
    "plain macro set": plain("{{ say(m.content) }}", head="{% set ends = ' ' %}{% macro say(t) %}{% set ends = ends | trim %}{{ t }}{{ ends }}{% endmacro %}"),
    "plain set block": plain("{% set t %}{{ m.content }}{% endset %}{{ t | trim }}"),
    "plain filter": plain("{% filter trim %}{{ m.content }}{% endfilter %}"),
    "plain iterable": plain(head="{% if tools is iterable and tools | length > 0 %}T{% endif %}"),
    "plain kinds": plain(head="{{ tools is iterable }}{{ none is sequence }}{{ tools is none }}{{ tools is defined }}{{ x is undefined }}{{ 1 is number }}{{ messages is mapping }}"),
    "plain loop over none": plain(head="{% for tool in tools %}{{ tool }}{% endfor %}"),
    "plain loop over undefined": plain(head="{% for tool in nothing %}{{ tool }}{% else %}none{% endfor %}"),
    "plain loop with if": "{% for m in messages if m.role != 'tool' %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}" + PROMPT,
    "plain break": "{% for m in messages %}{% if m.role == 'tool' %}{% continue %}{% endif %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}" + PROMPT,
    "plain day": plain(head="{{ strftime_now('%d %b %Y, %H') }}"),
    "plain strings": plain(head="{{ 'a' 'b' \"c\" }}{{ '\\/\\a\\x41\\u00e9\\d' }}{{ 'it\\'s' }}"),
    "plain json": plain(head="{{ messages[0] | tojson }}{{ {'a': [1, 2.0, none, true]} | tojson(indent=2) }}"),
    "plain escape": plain(other="{{ m.content | e }}"),
    "plain scope": plain(head="{% set n = 1 %}{% for i in [1, 2] %}{% set n = n + 1 %}{{ n }}{% endfor %}{{ n }}{% if true %}{% set n = 5 %}{% endif %}{{ n }}"),
    "plain recursive": plain(head="{% for i in [[1, [2]], [3]] recursive %}{% if i is iterable %}{{ loop(i) }}{% else %}{{ i }}{{ loop.depth }}{% endif %}{% endfor %}"),
    "plain reversed": plain(head="{% for m in messages[::-1] %}{{ m.role[0] }}{% endfor %}{{ messages[-1]['role'] }}"),
    "plain methods": plain(head="{{ 'A b'.title() }}{{ 'a,b'.split(',')|join('+') }}{{ 'x'.join(['a','b']) }}{{ '%s' | format('q') }}{{ messages[0].get('name', 'anon') }}{{ messages[0].items()|list|length }}"),
    "plain numbers": plain(head="{{ 7 // 2 }}{{ 7 / 2 }}{{ 2 ** 3 }}{{ 7 % 3 }}{{ '12' | int + 1 }}{{ 'x' | int }}{{ 1.0 }}{{ true }}{{ none }}"),
    "plain twice": plain("{{ m.content }}{{ m.content }}"),
    "plain upper": plain("{{ m.content | upper }}"),
    "plain only last": "{% for m in messages %}{% if loop.last %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endif %}{% endfor %}",
    "plain trimmed around": "{% set all %}{% for m in messages %} <|{{ m.role }}|>{{ m.content }}<|end|> {% endfor %}{% endset %}{{ all | trim }}",
}  # fmt: skip

"""A varied sample of text through transformers' tokenizer and ours: equal ids and texts, or exit 1."""
import json
import os
import random
import subprocess
import sys

from tokenizers import pre_tokenizers
from transformers import AutoTokenizer

probe, model = sys.argv[1], sys.argv[2]
folder, name = (model, None) if os.path.isdir(model) else os.path.split(model)
tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=name) if name else AutoTokenizer.from_pretrained(folder)
if name and "SmolLM" in name:
    # transformers' GGUF loader ignores tokenizer.ggml.pre; the model's own tokenizer.json, like llama.cpp's "smollm",
    # cuts digits one by one first.
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )

texts = [
    "", " ", "\n", "\n\n\n", "Hello, world!", "  two  spaces  ", "tabs\t\tand\r\nCRLF\r", "don't they'll WE'VE I'M it's",
    "1234567890 3.14159 1e-5 ½ ² ٣٤ 一二三", "日本語とかな、漢字。 한국어 العربية עברית हिन्दी ไทย", "émigré naïve Ünïcödé ﬁ ŉ",
    "🙂👩‍👩‍👧‍👦🏳️‍🌈", "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n", "<|endoftext|><|im_end|> x<|im_end|>",
    "def f(x):\n    return x**2  # note\n\n\nclass A:\n\tpass\n", "$x^2 + y_1 = \\frac{a}{b}$ & <b>html</b> &amp;",
    "a\u00a0b\u2003c\u200bd\ufeffe\u2028f", "\x00\x01\x7f", "'S 'T 'RE 'll", "word" * 300, " " * 200 + "x", "!?!?...---___***",
    "<|im_start|", "|im_end|>", "http://example.com/a?b=c&d=e#f", "x\n \n  \n   y",
]
generator = random.Random(0)
alphabets = ["abc XYZ 123 .,!'\n\t", "äöüßéèñ çÅøæ ", "日本語テスト。 ", "😀🎉 ok", "0123456789,. ", "'\"`()[]{}<>|_ \n"]
for _ in range(400):
    texts.append("".join(generator.choice(generator.choice(alphabets)) for _ in range(generator.randrange(1, 80))))
for path in sys.argv[3:]:
    with open(path, encoding="utf-8") as file:
        texts.append(file.read())

lines = "".join(json.dumps(text) + "\n" for text in texts)
answer = subprocess.run([probe, "tokens", model], input=lines.encode(), capture_output=True, check=True)
wrong = 0
for text, line in zip(texts, answer.stdout.decode().rstrip("\n").split("\n"), strict=True):
    ours = json.loads(line)
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    kept = tokenizer.decode(ids, clean_up_tokenization_spaces=False)
    skipped = tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    if (ours["ids"], ours["kept"], ours["skipped"]) != (ids, kept, skipped):
        wrong += 1
        if wrong <= 10:
            print(repr(text[:80]), ours["ids"][:20], ids[:20], sep="\n  ")
print(f"{len(texts)} texts, {wrong} differ")
sys.exit(wrong != 0)

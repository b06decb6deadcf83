"""Conversations through transformers and ours: equal ids, and a mask that covers exactly what each assistant turn adds
behind its header up to and with the end-of-turn token; or exit 1. For ChatML models such as SmolLM2."""
import json
import os
import subprocess
import sys

from tokenizers import pre_tokenizers
from transformers import AutoTokenizer

probe, model = sys.argv[1], sys.argv[2]
folder, name = os.path.split(model)
tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=name)
# See tokens.py.
tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
    [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
)
end = tokenizer.convert_tokens_to_ids("<|im_end|>")


def chat(*contents, system=None):
    roles = ["user", "assistant"] * len(contents)
    head = [{"role": "system", "content": system}] if system else []
    return head + [{"role": role, "content": content} for role, content in zip(roles, contents)]


chats = [
    chat("Hi", "Hello there!"),
    chat("What is 2 + 2?", "4", "And 10 * 10?", "100\n\nEasy.", system="You are a calculator."),
    chat("  spaces ", " leading and trailing \n", "\n\n", "日本語 🙂"),
    chat("<|im_end|>", "a<|im_end|>b"),
]
for path in sys.argv[3:]:
    with open(path, encoding="utf-8") as file:
        chats += [json.loads(line)["messages"] for line in file if line.strip()]
lines = "".join(json.dumps(messages) + "\n" for messages in chats)
answer = subprocess.run([probe, "samples", model], input=lines.encode(), capture_output=True, check=True).stdout.decode()
wrong = 0
for messages, line in zip(chats, answer.rstrip("\n").split("\n"), strict=True):
    ours = json.loads(line)
    ids = tokenizer.apply_chat_template(messages, tokenize=True, return_dict=True)["input_ids"]
    mask = [False] * len(ids)
    for index, message in enumerate(messages):
        if message["role"] != "assistant":
            continue
        start = len(tokenizer.apply_chat_template(messages[:index], add_generation_prompt=True, return_dict=True)["input_ids"])
        stop = len(tokenizer.apply_chat_template(messages[: index + 1], return_dict=True)["input_ids"])
        while stop > start and ids[stop - 1] != end:
            stop -= 1
        mask[start:stop] = [True] * (stop - start)
    if (ours["ids"], ours["mask"]) != (ids, mask):
        wrong += 1
        print(messages, ours, ids, mask, sep="\n  ")
print(f"{len(chats)} conversations, {wrong} differ")
sys.exit(wrong != 0)

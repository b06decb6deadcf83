"""Hugging Face's libraries and gguf: what the data crate reads is what they read, by the scripts in crates/data/judge."""

import os
import re
import subprocess
import sys
from pathlib import Path

import torch
from scene import DATA, ROOT, required

SCRIPTS = ROOT / "crates" / "data" / "judge"
NAMES = ("blocks", "templates", "tokens", "weights", "samples", "chats")


def save_folder(scene):
    """A small random model as transformers saves it, with stretched rotary frequencies and a head of its own."""
    from transformers import LlamaConfig, LlamaForCausalLM

    folder = scene.folder / "hugging-face"
    if folder.exists():
        return folder
    torch.manual_seed(0)
    config = LlamaConfig(
        hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        vocab_size=49152, max_position_embeddings=1024, tie_word_embeddings=False,
        rope_parameters={"rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0,
                         "high_freq_factor": 4.0, "original_max_position_embeddings": 256},
    )  # fmt: skip
    LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)
    scene.tokenizer.save_pretrained(folder)
    return folder


# What stands in templates where a model has a special token.
MARKS = re.compile(r"<\|[A-Za-z_/]+\|>|<｜[^<>'\" ]+?｜>|<(?:start|end)_of_turn>|</s>|\[/?INST\]|<\|[a-z_]+>|<[a-z_]+\|>")


def marked_folder(scene, templates):
    """A tiny model whose tokenizer has the marks of all templates as special tokens."""
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    folder = scene.folder / "marked"
    if not folder.exists():
        texts = [path.read_text(encoding="utf-8") for path in (*templates.rglob("*.jinja"), SCRIPTS / "chat_templates.py")]
        tokenizer = AutoTokenizer.from_pretrained(scene.base_file.parent, gguf_file=scene.base_file.name)
        marks = sorted({mark for text in texts for mark in MARKS.findall(text)})
        tokenizer.add_special_tokens({"additional_special_tokens": marks})
        shape = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
        LlamaForCausalLM(LlamaConfig(vocab_size=len(tokenizer), num_key_value_heads=1, **shape)).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    return folder


def checks_of(name, scene):
    """The checks of one judge: what is compared, and the script's arguments."""
    if name in ("tokens", "weights"):
        return [("gguf", [scene.base_file]), ("folder", [save_folder(scene)])]
    if name == "chats":
        public = Path(os.environ.get("LORADECK_CHAT_TEMPLATES", "/nowhere"))
        folder = marked_folder(scene, public)
        return [("ours", [folder, "ours"]), ("public", [folder, "public", public])]
    if name == "samples":
        return [("masks", [scene.base_file, DATA / "train.jsonl", DATA / "validation.jsonl"])]
    return [({"blocks": "numbers", "templates": "texts"}[name], [])]


def judge(name, scene, verdicts):
    probe = required("LORADECK_PROBE")
    for what, arguments in checks_of(name, scene):
        if not verdicts.wants(f"{name}.{what}"):
            continue
        command = [sys.executable, SCRIPTS / f"{name}.py", probe, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
        equal = done.returncode == 0
        # A script's last line sums up; where something differs, what it showed and how it failed is worth more.
        words = done.stdout.strip() if equal else (done.stdout + done.stderr).strip()[-1500:]
        verdicts.check(f"{name}.{what}", equal, words.rsplit("\n", 1)[-1] if equal else words)

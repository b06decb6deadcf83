"""transformers on tiny random Llama folders, each with one property that config.json or the weight file can have: the
same logits. And on the tokenizer that a training on such a folder exports: the same as the folder's own.
"""

import json

import torch
from safetensors.torch import load_file, save_file

from scene import reference_logits

LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}

# Name of the case: what it sets in config.json; None removes a key.
CASES = {
    "plain": {},
    "tied": {"tie_word_embeddings": True},
    "own_head_though_tied": {"tie_word_embeddings": True},
    "wide_heads": {"head_dim": 24},
    "rope_linear": {"rope_parameters": None, "rope_theta": 3000.0, "rope_scaling": {"type": "linear", "factor": 4.0}},
    "rope_dynamic": {"rope_parameters": {"rope_type": "dynamic", "factor": 4.0, "rope_theta": 3000.0}},
    "rope_theta_twice": {"rope_theta": 77.0, "rope_parameters": {"rope_type": "default", "rope_theta": 3000.0}},
    "rope_twice": {"rope_scaling": {"rope_type": "linear", "factor": 2.0}, "rope_parameters": {"rope_type": "linear", "factor": 8.0, "rope_theta": 3000.0}},
    "llama3_nested": {"rope_parameters": {**LLAMA3, "rope_theta": 3000.0, "original_max_position_embeddings": 16}},
    "llama3_beside": {"rope_parameters": {**LLAMA3, "rope_theta": 3000.0, "original_max_position_embeddings": 16}, "original_max_position_embeddings": 64},
    "llama3_without": {"rope_parameters": {**LLAMA3, "rope_theta": 3000.0}},
    "epsilon": {"rms_norm_eps": 0.1},
    "half_precision_file": {},
}

# Name of the case: what it adds to tokenizer_config.json.
TOKENIZERS = {
    "plain": {},
    "rich": {
        "tokenizer_class": "PreTrainedTokenizer", "model_max_length": 77, "padding_side": "left", "truncation_side": "left",
        "unk_token": "<unk>", "pad_token": "<pad>", "additional_special_tokens": ["<tool>", "<call>"], "add_bos_token": True,
        "chat_template": [{"name": "default", "template": "{% for m in messages %}{{ m.content + '<|end|>' }}{% endfor %}"}, {"name": "tools", "template": "{{ tools }}"}],
    },
}  # fmt: skip

# What is compared of two tokenizers.
SAID = {
    "special tokens": lambda tokenizer: {name: str(token) for name, token in tokenizer.special_tokens_map.items()},
    "further special tokens": lambda tokenizer: [str(token) for token in tokenizer.extra_special_tokens],
    "longest text": lambda tokenizer: tokenizer.model_max_length,
    "sides": lambda tokenizer: (tokenizer.padding_side, tokenizer.truncation_side),
    "chat templates": lambda tokenizer: tokenizer.chat_template,
    "ids": lambda tokenizer: [tokenizer(text)["input_ids"] for text in ("A quiet harbour.", "a<|end|>b<tool> <pad><unk>")],
    "ids without special tokens": lambda tokenizer: tokenizer("a<call>b", add_special_tokens=False)["input_ids"],
}


def judge(scene, verdicts):
    ids = [[(7 * position + 3 * text) % 250 for position in range(length)] for text, length in enumerate((5, 40, 90))]
    for name, changes in CASES.items():
        folder = write(scene, name, changes)
        ours = logits(scene, folder, ids)
        theirs = reference_logits(reference(folder), ids)
        worst = max(((one - other).abs().max() / other.abs().max()).item() for one, other in zip(ours, theirs))
        verdicts.at_most(f"folders.{name}", worst, 1e-5)
    for name, settings in TOKENIZERS.items():
        exported_tokenizer(scene, verdicts, name, settings)


def exported_tokenizer(scene, verdicts, name, settings):
    from transformers import AutoTokenizer

    folder = write(scene, f"tokenizer_{name}", {})
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **settings}))
    scene.run_trainer("--config", write_config(folder))
    both = [AutoTokenizer.from_pretrained(place) for place in (folder, folder / "run" / "checkpoints")]
    theirs, ours = ({what: said(one) for what, said in SAID.items()} for one in both)
    unequal = [f"{what}: {ours[what]!r} for {theirs[what]!r}" for what in SAID if ours[what] != theirs[what]]
    verdicts.equal(f"folders.tokenizer.{name}", unequal, [], f"{len(SAID)} properties")


def write(scene, name, changes):
    from transformers import LlamaConfig, LlamaForCausalLM

    folder = scene.folder / "folders" / name
    torch.manual_seed(len(name))
    sizes = {key: value for key, value in changes.items() if key in ("head_dim", "tie_word_embeddings")}
    config = LlamaConfig(
        vocab_size=300, hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=128, initializer_range=0.2, bos_token_id=0, eos_token_id=0, **sizes,
    )  # fmt: skip
    model = LlamaForCausalLM(config)
    if name == "half_precision_file":
        model = model.to(torch.float16)
    model.save_pretrained(folder)
    if name == "own_head_though_tied":
        tensors = load_file(folder / "model.safetensors")
        tensors["lm_head.weight"] = torch.randn(300, 64) * 0.2
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    path = folder / "config.json"
    written = json.loads(path.read_text())
    for key, value in changes.items():
        written.pop(key, None)
        if value is not None:
            written[key] = value
    path.write_text(json.dumps(written))
    write_tokenizer(folder)
    return folder


def write_tokenizer(folder):
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={letter: number + 1 for number, letter in enumerate(letters)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<|end|>"])
    tokenizer.save(str(folder / "tokenizer.json"))
    template = "{% for m in messages %}{{ m.role + ': ' + m.content + '<|end|>' }}{% endfor %}{% if add_generation_prompt %}{{ 'assistant: ' }}{% endif %}"
    settings = {"eos_token": "<|end|>", "chat_template": template}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))


def write_config(folder):
    data = folder / "data.jsonl"
    talk = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho"}]
    data.write_text(json.dumps({"messages": talk}) + "\n")
    config = folder / "config.yaml"
    config.write_text(
        f"base_model: {folder}\ntrain_data_dir: {data}\noutput_dir: {folder / 'run'}\nmax_seq_len: 64\nprecision: fp32\nmax_steps: 1\n"
    )
    return config


def logits(scene, folder, ids):
    config = write_config(folder)
    wanted, output = folder / "ids.json", folder / "logits.safetensors"
    wanted.write_text(json.dumps(ids))
    scene.run_trainer("probe", "--config", config, "--what", "logits", "--ids", wanted, "--output", output)
    tensors = load_file(output)
    return [tensors[f"logits.{number}"].float() for number in range(len(ids))]


def reference(folder):
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()

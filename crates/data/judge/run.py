"""All comparisons of this crate with Hugging Face's libraries: run.py PROBE MODEL [CHATS.jsonl…], where PROBE is the
built example `probe` and MODEL the demo's GGUF file. Exit 1 where any differs."""
import pathlib
import subprocess
import sys
import tempfile

import torch
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

here = pathlib.Path(__file__).parent
probe, model, chats = sys.argv[1], sys.argv[2], sys.argv[3:]


def save_folder(folder):
    """A small random model as transformers saves it, with stretched rotary frequencies and a head of its own."""
    torch.manual_seed(0)
    config = LlamaConfig(
        hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        vocab_size=49152, max_position_embeddings=1024, tie_word_embeddings=False,
        rope_parameters={"rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0,
                         "high_freq_factor": 4.0, "original_max_position_embeddings": 256},
    )
    LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)
    path = pathlib.Path(model)
    AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name).save_pretrained(folder)


with tempfile.TemporaryDirectory() as folder:
    save_folder(folder)
    jobs = [
        ("blocks.py",), ("templates.py",), ("tokens.py", model), ("tokens.py", folder), ("weights.py", model),
        ("weights.py", folder), ("samples.py", model, *chats),
    ]
    failed = []
    for name, *arguments in jobs:
        print(f"== {name} {' '.join(arguments)}", flush=True)
        if subprocess.run([sys.executable, here / name, probe, *arguments], stderr=subprocess.DEVNULL).returncode:
            failed.append(name)
print("all equal" if not failed else f"different: {', '.join(failed)}")
sys.exit(bool(failed))

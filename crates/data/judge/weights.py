"""Every weight of a GGUF file or a folder as transformers gives it and as ours does: equal bit for bit, and equal rotary
frequencies up to their last bits; or exit 1."""
import os
import subprocess
import sys

import numpy as np
import torch
from transformers import AutoModelForCausalLM

probe, model = sys.argv[1], sys.argv[2]
folder, name = (model, None) if os.path.isdir(model) else os.path.split(model)
theirs = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, **({"gguf_file": name} if name else {}))
state = theirs.state_dict()
if theirs.config.tie_word_embeddings:
    state.pop("lm_head.weight", None)
lines = "".join(name + "\n" for name in state)
answer = subprocess.run([probe, "weights", model], input=lines.encode(), capture_output=True, check=True).stdout
ours = np.frombuffer(answer, dtype=np.uint32)
wrong, at = 0, 0
for name, tensor in state.items():
    bits = tensor.contiguous().numpy().reshape(-1).view(np.uint32)
    if not np.array_equal(bits, ours[at : at + bits.size]):
        wrong += 1
        print(name)
    at += bits.size
answer = subprocess.run([probe, "frequencies", model], capture_output=True, check=True).stdout
frequencies = np.array([float(line) for line in answer.split()])
expected = theirs.model.rotary_emb.inv_freq.double().numpy()
apart = np.abs(frequencies / expected - 1).max()
print(f"{len(state)} weights, {at} numbers, {wrong} weights differ; rotary frequencies within {apart:.1e}")
sys.exit(int(wrong != 0 or at != ours.size or apart > 1e-6))

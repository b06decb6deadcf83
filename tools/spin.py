#!/usr/bin/env python3
"""How long a step's worth of PyTorch's CPU operations takes: for GOMP_SPINCOUNT (crates/train/src/spin.rs).

GOMP_SPINCOUNT=2000 taskset -c 0,1 python3 tools/spin.py, alone and beside busy processes on the same cores.
"""

import statistics
import time

import torch

torch.set_num_threads(2)
x = torch.randn(494, 576)
w = [torch.randn(576, 576) for _ in range(4)] + [torch.randn(1536, 576)] * 2
down, head = torch.randn(576, 1536), torch.randn(4096, 576)


def step():
    """Many small operations one after the other, as in 60 layers of the demo's width."""
    y = x
    for _ in range(60):
        y = torch.nn.functional.rms_norm(y, (576,))
        for m in w[:4]:
            z = (y @ m.T).mul(0.01)
        gate = torch.nn.functional.silu(y @ w[4].T) * (y @ w[5].T)
        y = x + 0.001 * (gate @ down.T) + z
    torch.log_softmax(y @ head.T, -1).sum()


seconds = []
for _ in range(8):
    began = time.perf_counter()
    step()
    seconds.append(time.perf_counter() - began)
seconds = seconds[2:]
print(f"median {statistics.median(seconds) * 1e3:.0f} ms, {min(seconds) * 1e3:.0f} to {max(seconds) * 1e3:.0f}")

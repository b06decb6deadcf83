"""Random blocks through PyPI gguf's dequantiser and ours: equal bit for bit, or exit 1."""
import subprocess
import sys

import numpy as np
from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType as T
from gguf.quants import dequantize

probe = sys.argv[1]
generator = np.random.default_rng(0)
wrong = 0
for kind in (T.F32, T.F16, T.BF16, T.Q4_0, T.Q4_1, T.Q5_0, T.Q5_1, T.Q8_0, T.Q4_K, T.Q5_K, T.Q6_K):
    _, size = GGML_QUANT_SIZES[kind]
    blocks = generator.integers(0, 256, size=(3000, size), dtype=np.uint8)
    with np.errstate(all="ignore"):
        if kind == T.F16:
            theirs = blocks.view(np.float16).astype(np.float32)
        else:
            theirs = dequantize(blocks, kind).astype(np.float32)
    answer = subprocess.run([probe, "blocks", str(int(kind))], input=blocks.tobytes(), capture_output=True, check=True)
    ours = np.frombuffer(answer.stdout, dtype=np.float32)
    theirs = theirs.reshape(-1)
    # Random scales are sometimes NaN; which of the NaNs does not matter.
    same = (ours.view(np.uint32) == theirs.view(np.uint32)) | (np.isnan(ours) & np.isnan(theirs))
    print(f"{kind.name}: {same.size} numbers, {int((~same).sum())} differ")
    wrong += int((~same).sum())
sys.exit(wrong != 0)

"""Records one random block of each type with PyPI gguf's numbers: TYPE, block and result in hexadecimal."""
import numpy as np
from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType as T
from gguf.quants import dequantize

generator = np.random.default_rng(1)
for kind in (T.F32, T.BF16, T.Q4_0, T.Q4_1, T.Q5_0, T.Q5_1, T.Q8_0, T.Q4_K, T.Q5_K, T.Q6_K):
    _, size = GGML_QUANT_SIZES[kind]
    while True:
        block = generator.integers(0, 256, size=(1, size), dtype=np.uint8)
        with np.errstate(all="ignore"):
            values = dequantize(block, kind).astype(np.float32).reshape(-1)
        if np.isfinite(values).all():
            break
    print(int(kind), block.tobytes().hex(), values.tobytes().hex())

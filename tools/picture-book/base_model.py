"""The three networks of the picture book's base, its tokenizer, and how they are written as a diffusers folder.

The architecture is Stable Diffusion 1.5's, with small numbers: the same classes and the same kinds of block.
"""

import json
from collections import Counter
from pathlib import Path

import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel

from captions import words

CONTEXT = 77
BOS, EOS = "<|startoftext|>", "<|endoftext|>"

UNET = dict(
    sample_size=16, in_channels=4, out_channels=4, center_input_sample=False, flip_sin_to_cos=True, freq_shift=0,
    down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"), mid_block_type="UNetMidBlock2DCrossAttn",
    up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"), block_out_channels=(64, 96, 96), layers_per_block=1,
    downsample_padding=1, mid_block_scale_factor=1, act_fn="silu", norm_num_groups=32, norm_eps=1e-5, cross_attention_dim=128,
    attention_head_dim=4,
)
VAE = dict(
    sample_size=128, in_channels=3, out_channels=3, down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
    block_out_channels=(32, 64, 64, 64), layers_per_block=1, latent_channels=4, act_fn="silu", norm_num_groups=8,
)
TEXT = dict(
    hidden_size=128, intermediate_size=512, num_hidden_layers=3, num_attention_heads=4, max_position_embeddings=CONTEXT,
    hidden_act="quick_gelu", layer_norm_eps=1e-5, projection_dim=128,
)
SCHEDULER = dict(
    beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", num_train_timesteps=1000, prediction_type="epsilon",
    steps_offset=1, set_alpha_to_one=False, clip_sample=False,
)


def byte_symbols():
    """GPT-2's printable stand-ins for the 256 byte values, in CLIP's order."""
    plain = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    rest = [value for value in range(256) if value not in plain]
    return [chr(value) for value in plain] + [chr(256 + i) for i in range(len(rest))]


def learn_merges(vocabulary):
    """Byte-pair merges that make every given word one symbol: always the most frequent pair, ties by spelling."""
    spelled = {word: [*word[:-1], word[-1] + "</w>"] for word in vocabulary}
    merges = []
    while any(len(symbols) > 1 for symbols in spelled.values()):
        pairs = Counter(pair for symbols in spelled.values() for pair in zip(symbols, symbols[1:]))
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        for word, symbols in spelled.items():
            joined, i = [], 0
            while i < len(symbols):
                if tuple(symbols[i : i + 2]) == best:
                    joined.append(symbols[i] + symbols[i + 1])
                    i += 2
                else:
                    joined.append(symbols[i])
                    i += 1
            spelled[word] = joined
    return merges


def vocabulary():
    """(symbol to id, merges), in CLIP's order: bytes, bytes that end a word, merges, start, end."""
    symbols = byte_symbols()
    merges = learn_merges(words())
    listed = symbols + [symbol + "</w>" for symbol in symbols] + ["".join(pair) for pair in merges] + [BOS, EOS]
    return {symbol: i for i, symbol in enumerate(dict.fromkeys(listed))}, merges


def encode(captions, ids=None):
    """Token ids [len(captions), 77] of captions whose words are all known."""
    ids = ids or vocabulary()[0]
    out = torch.full((len(captions), CONTEXT), ids[EOS], dtype=torch.long)
    for row, text in enumerate(captions):
        tokens = [ids[BOS], *(ids[word + "</w>"] for word in text.split())]
        out[row, : len(tokens)] = torch.tensor(tokens)
    return out


def text_config():
    ids, _ = vocabulary()
    return CLIPTextConfig(vocab_size=len(ids), bos_token_id=ids[BOS], eos_token_id=ids[EOS], pad_token_id=ids[EOS], **TEXT)


def new_vae():
    return AutoencoderKL(**VAE)


def new_unet():
    return UNet2DConditionModel(**UNET)


def new_text_encoder():
    return CLIPTextModel(text_config())


def scheduler():
    return DDIMScheduler(**SCHEDULER)


def _write_json(path, value):
    path.write_text(json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")


def _plain(config, drop=()):
    kept = {key: value for key, value in dict(config).items() if key not in drop and not key.startswith("_name_or")}
    return {key: list(value) if isinstance(value, tuple) else value for key, value in kept.items()}


def _weights(path, state, prefix=""):
    state = {key if key.startswith(prefix) else prefix + key: value.detach().cpu().half().contiguous() for key, value in state.items()}
    save_file({key: state[key] for key in sorted(state) if "position_ids" not in key}, path, metadata={"format": "pt"})


def write_tokenizer(folder):
    ids, merges = vocabulary()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps(ids, ensure_ascii=False), encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges), encoding="utf-8")
    special = {"bos_token": BOS, "eos_token": EOS, "pad_token": EOS, "unk_token": EOS}
    _write_json(folder / "special_tokens_map.json", special)
    _write_json(
        folder / "tokenizer_config.json",
        {"add_prefix_space": False, "do_lower_case": True, "errors": "replace", "model_max_length": CONTEXT, "tokenizer_class": "CLIPTokenizer", **special},
    )


def export(folder, vae, unet, text_encoder, scaling_factor):
    """Writes the diffusers folder, weights as fp16. The same weights give the same bytes."""
    folder = Path(folder)
    for part in ("vae", "unet", "text_encoder", "scheduler"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    write_tokenizer(folder / "tokenizer")
    _weights(folder / "unet/diffusion_pytorch_model.safetensors", unet.state_dict())
    _weights(folder / "vae/diffusion_pytorch_model.safetensors", vae.state_dict())
    _weights(folder / "text_encoder/model.safetensors", text_encoder.state_dict(), "text_model.")
    _write_json(folder / "unet/config.json", {"_class_name": "UNet2DConditionModel", "_diffusers_version": "0.30.0", **UNET})
    _write_json(folder / "vae/config.json", {"_class_name": "AutoencoderKL", "_diffusers_version": "0.30.0", **VAE, "scaling_factor": scaling_factor})
    config = text_config()
    _write_json(folder / "text_encoder/config.json", {
        "architectures": ["CLIPTextModel"], "model_type": "clip_text_model", "attention_dropout": 0.0, "dropout": 0.0, "initializer_factor": 1.0,
        "initializer_range": 0.02, "torch_dtype": "float16", "vocab_size": config.vocab_size, "bos_token_id": config.bos_token_id,
        "eos_token_id": config.eos_token_id, "pad_token_id": config.pad_token_id, **TEXT,
    })
    _write_json(folder / "scheduler/scheduler_config.json", {
        "_class_name": "DDIMScheduler", "_diffusers_version": "0.30.0", "skip_prk_steps": True, "trained_betas": None, "timestep_spacing": "leading", **SCHEDULER,
    })
    _write_json(folder / "model_index.json", {
        "_class_name": "StableDiffusionPipeline", "_diffusers_version": "0.30.0", "feature_extractor": [None, None], "image_encoder": [None, None],
        "requires_safety_checker": False, "safety_checker": [None, None], "scheduler": ["diffusers", "DDIMScheduler"],
        "text_encoder": ["transformers", "CLIPTextModel"], "tokenizer": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"], "vae": ["diffusers", "AutoencoderKL"],
    })


def states(unet, text_encoder):
    """Both networks' weights as fp16, under the names of Stable Diffusion 1.5's files."""
    named = {"text_model." + key.removeprefix("text_model."): value for key, value in text_encoder.state_dict().items()}
    kept = {"unet": unet.state_dict(), "text_encoder": {k: v for k, v in named.items() if "position_ids" not in k}}
    return {part: {key: value.detach().cpu().half() for key, value in state.items()} for part, state in kept.items()}


def load_states(unet, text_encoder, kept):
    """The inverse of `states`, whichever prefix this version of transformers uses."""
    unet.load_state_dict({key: value.float() for key, value in kept["unet"].items()})
    own = {key.removeprefix("text_model."): key for key in text_encoder.state_dict()}
    renamed = {own[key.removeprefix("text_model.")]: value.float() for key, value in kept["text_encoder"].items()}
    missing = text_encoder.load_state_dict(renamed, strict=False).missing_keys
    if [key for key in missing if "position_ids" not in key]:
        raise ValueError(f"text encoder: no weights for {missing}")

"""What the judges of image trainings look at: a tiny Stable Diffusion in both layouts, pictures with captions, and
trainings on them by the built trainer, each made on first use and kept."""

import json
import struct
from dataclasses import dataclass, field
from functools import cached_property

import diffusion_tiny as tiny
import ldm
import torch
from safetensors.torch import load_file, save_file
from scene import ROOT

STEPS, WARMUP, RANK, LEARNING_RATE, TEXT_RATE = 50, 5, 4, 2e-3, 1e-3
WEIGHT_DECAY, MAX_GRAD_NORM = 0.01, 1.0
CONV_RANK, CONV_ALPHA, NOISE_OFFSET, GAMMA = 2, 3, 0.2, 5

# Sides that need no resizing: only cropping. Odd numbers of each size, so that micro-batches are unequal.
SQUARE, TALL = (64, 64), (48, 80)
TRAINING = {
    **{f"square-{number}.png": (64, 64) for number in range(5)},
    "taller.png": (64, 70),
    "wider.png": (69, 64),
    **{f"tall-{number}.png": (48, 80) for number in range(2)},
    # Lies on its side until it is turned as its EXIF data says.
    "turned.png": (80, 48),
}
HELD_OUT = {"held-0.png": (64, 64), "held-1.png": (64, 64), "held-2.png": (48, 80)}
CAPTIONS = ("a red house", "two trees, 3 hills", "a Größe of 12 o'clock, it's raining!", "", "chalk on a blackboard")
EXIF_ORIENTATION, QUARTER_TURN = 0x0112, 6

CONFIG = f"""\
data_type: image
base_model: {{base}}
train_data_dir: {{data}}
eval_data_dir: {{held_out}}
output_dir: {{output}}
resolution: 64
bucket_reso_steps: {{step}}
lora_rank: {RANK}
batch_size: 2
learning_rate: {LEARNING_RATE}
lr_scheduler: cosine
warmup_steps: {WARMUP}
weight_decay: {WEIGHT_DECAY}
max_grad_norm: {MAX_GRAD_NORM}
max_steps: {STEPS}
eval_steps: 25
save_steps: 25
precision: {{precision}}
seed: 11
"""


@dataclass(frozen=True)
class Case:
    """A training: its alpha, what its file says besides, and the base and pictures it has."""

    name: str
    alpha: int = 2 * RANK
    more: dict = field(default_factory=dict, hash=False)
    base: str = "epsilon"
    masked: bool = False
    precision: str = "fp32"

    @property
    def tolerance(self):
        """By how much limits are wider than in fp32: fp16 has 11 binary digits where fp32 has 24."""
        return 1 if self.precision == "fp32" else 100

    @property
    def trains_text(self):
        return "text_encoder_lr" in self.more

    @property
    def convolutions(self):
        return "conv_rank" in self.more


CASES = {
    case.name: case
    for case in (
        Case("plain"),
        Case("min_snr", more={"min_snr_gamma": GAMMA}),
        Case("text", more={"text_encoder_lr": TEXT_RATE}),
        Case("conv", RANK, {"lora_targets": "kohya", "conv_rank": CONV_RANK, "conv_alpha": CONV_ALPHA}),
        Case("accumulation", more={"gradient_accumulation": 2}),
        Case("velocity", more={"min_snr_gamma": GAMMA}, base="v_prediction"),
        Case("masked", more={"masked_loss": "true"}, masked=True),
        Case("offset", RANK // 2, {"noise_offset": NOISE_OFFSET}),
        Case("checkpointed", more={"text_encoder_lr": TEXT_RATE, "gradient_checkpointing": "true"}),
        Case("fp16", precision="fp16"),
    )
}


class Training:
    """What the trainer's probe laid open."""

    def __init__(self, case, folder):
        self.case, self.folder = case, folder
        self.report = json.loads((folder / "report.json").read_text())
        self.steps = self.report["steps"]
        self.pictures, self.tensors, self.output = (
            load_file(folder / f"{part}.safetensors") for part in ("pictures", "steps", "output")
        )

    def part(self, step, number, name):
        return self.tensors[f"{step}.{number}.{name}"]


class DiffusionScene:
    def __init__(self, scene):
        self.scene, self.folder = scene, scene.folder / "diffusion"
        self.folder.mkdir()
        self.trainings = {}

    @cached_property
    def models(self):
        return tiny.unet(tiny.TRAINED), tiny.vae(tiny.TRAINED), tiny.text(tiny.TRAINED)

    @cached_property
    def bases(self):
        """By what the network predicts: a diffusers folder; `checkpoint`: the first one's weights in a single file."""
        folders = {}
        for prediction in ("epsilon", "v_prediction"):
            folders[prediction] = self.folder / f"base-{prediction}"
            write_folder(folders[prediction], self.models, prediction)
        folders["checkpoint"] = self.folder / "base.safetensors"
        save_file(ldm.checkpoint(*self.models), folders["checkpoint"])
        return folders

    @cached_property
    def data(self):
        """Folders of pictures: for training, the same with masks, held out."""
        folders = {name: self.folder / name for name in ("pictures", "masked", "held-out")}
        for name, folder in folders.items():
            write_pictures(folder, HELD_OUT if name == "held-out" else TRAINING, 20 if name == "held-out" else 10)
        write_masks(folders["masked"] / "masks")
        return folders

    def config(self, case, base=None, step=16):
        name = case.name if base is None else f"{case.name}-{base}"
        path = self.folder / f"{name}.yaml"
        base = self.bases[base or case.base]
        words = CONFIG.format(
            base=base,
            data=self.data["masked" if case.masked else "pictures"],
            held_out=self.data["held-out"],
            output=self.folder / f"run-{name}",
            step=step,
            precision=case.precision,
        )
        more = {"lora_alpha": case.alpha, **case.more}
        path.write_text(words + "".join(f"{key}: {value}\n" for key, value in more.items()))
        return path

    def training(self, name, base=None):
        key = (name, base)
        if key not in self.trainings:
            output = self.folder / f"probe-{name}-{base}"
            more = ("--what", "diffusion", "--steps", str(STEPS), "--output", output)
            self.scene.run_trainer("probe", "--config", self.config(CASES[name], base), *more)
            self.trainings[key] = Training(CASES[name], output)
        return self.trainings[key]


SCENES = {}


def of(scene):
    """Both judges of trainings look at the same ones."""
    if scene.folder not in SCENES:
        SCENES[scene.folder] = DiffusionScene(scene)
    return SCENES[scene.folder]


def write_folder(folder, models, prediction):
    """A whole pipeline's folder, as Stable Diffusion 1.5's: the tokenizer as vocab.json and merges.txt."""
    from diffusers import DDIMScheduler

    for model, part in zip(models, ("unet", "vae", "text_encoder")):
        model.save_pretrained(folder / part)
    DDIMScheduler(**tiny.SCHEDULER, prediction_type=prediction).save_pretrained(folder / "scheduler")
    write_tokenizer(folder / "tokenizer")
    write_index(folder)


def write_index(folder):
    index = {
        "_class_name": "StableDiffusionPipeline",
        "_diffusers_version": "0.30.0",
        "feature_extractor": [None, None],
        "image_encoder": [None, None],
        "requires_safety_checker": False,
        "safety_checker": [None, None],
        "scheduler": ["diffusers", "DDIMScheduler"],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
    }
    (folder / "model_index.json").write_text(json.dumps(index))


def write_tokenizer(folder):
    """CLIP's vocabulary: 256 bytes' letters, the same at a word's end, a token for each merge, two special tokens. The
    merges are those in this repository, as pairs of ids."""
    visible = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    letters = [chr(byte) for byte in visible] + [chr(256 + number) for number in range(256 - len(visible))]
    tokens = [*letters, *(f"{letter}</w>" for letter in letters)]
    pairs = (ROOT / "crates" / "data" / "src" / "tokenizer" / "clip" / "clip_merges.bin").read_bytes()
    lines = ["#version: 0.2"]
    for left, right in struct.iter_unpack("<HH", pairs):
        lines.append(f"{tokens[left]} {tokens[right]}")
        tokens.append(tokens[left] + tokens[right])
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    folder.mkdir(parents=True)
    (folder / "merges.txt").write_text("\n".join(lines) + "\n")
    (folder / "vocab.json").write_text(json.dumps({token: number for number, token in enumerate(tokens)}))
    words = {"bos_token": tokens[-2], "eos_token": tokens[-1], "unk_token": tokens[-1], "pad_token": tokens[-1]}
    more = {"tokenizer_class": "CLIPTokenizer", "model_max_length": 77, "do_lower_case": True}
    (folder / "tokenizer_config.json").write_text(json.dumps(words | more))


def write_pictures(folder, sizes, seed):
    from PIL import Image

    folder.mkdir(parents=True)
    for number, (name, (width, height)) in enumerate(sizes.items()):
        pixels = patches(seed + number, 3, width, height)
        exif = Image.Exif()
        if name == "turned.png":
            exif[EXIF_ORIENTATION] = QUARTER_TURN
        Image.fromarray(pixels.permute(1, 2, 0).numpy()).save(folder / name, exif=exif)
        caption = CAPTIONS[number % len(CAPTIONS)]
        (folder / name).with_suffix(".txt").write_text(caption)


def write_masks(folder):
    """Masks for half of the pictures, grey values among them."""
    from PIL import Image

    folder.mkdir()
    for number, (name, (width, height)) in enumerate(TRAINING.items()):
        if number % 2 == 0:
            Image.fromarray(patches(100 + number, 1, width, height)[0].numpy()).save(folder / name)


def patches(seed, channels, width, height):
    """Bytes of coarse patches with a little noise."""
    draw = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, channels, 6, 6, generator=draw)
    fine = torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear")[0]
    fine = fine + 0.1 * torch.rand(channels, height, width, generator=draw)
    return (fine * 240).clamp(0, 255).byte()

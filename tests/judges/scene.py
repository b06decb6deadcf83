"""What all judges look at: one short training by the built trainer, its inner values, and the same model elsewhere."""

import json
import os
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[2]
STEPS = 10
WARMUP = 3
RANK, ALPHA = 4, 12  # a scale of 3, so that leaving it out shows
LEARNING_RATE, WEIGHT_DECAY, MAX_GRAD_NORM = 3e-3, 0.01, 1.0
DATA = ROOT / "experiments" / "answer-card" / "data"

CONFIG = f"""\
base_model: {{base_model}}
train_data_dir: {DATA / "train.jsonl"}
eval_data_dir: {DATA / "validation.jsonl"}
output_dir: {{output}}
lora_rank: {RANK}
lora_alpha: {ALPHA}
lora_targets: attention
batch_size: 2
gradient_accumulation: 2
learning_rate: {LEARNING_RATE}
lr_scheduler: cosine
warmup_steps: {WARMUP}
weight_decay: {WEIGHT_DECAY}
max_grad_norm: {MAX_GRAD_NORM}
max_steps: {STEPS}
eval_steps: 5
save_steps: 5
precision: fp32
seed: 7
"""


class SceneError(Exception):
    """The trainer could not be brought to show what is to be judged."""


def required(name):
    value = os.environ.get(name)
    if not value:
        raise SceneError(f"{name} is not set; `./x judge` sets it")
    return Path(value)


def conversations(name):
    """The conversations of a data file, in its order."""
    return [json.loads(line)["messages"] for line in (DATA / name).read_text().splitlines() if line.strip()]


@dataclass
class Scene:
    """Everything is made on first use and kept: judges share one training and one base model."""

    trainer: Path
    base_file: Path
    folder: Path

    @classmethod
    def set(cls):
        torch.set_num_threads(os.cpu_count() or 1)
        folder = Path(tempfile.mkdtemp(prefix="loradeck-judges-"))
        return cls(required("LORADECK_TRAIN"), required("LORADECK_BASE_MODEL"), folder)

    def run_trainer(self, *arguments):
        # The judges compare in fp32 on the CPU: CUDA stays out of sight.
        environment = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
        done = subprocess.run(
            [self.trainer, *arguments], cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            words = (done.stdout + done.stderr).strip()[-2000:]
            raise SceneError(f"loradeck-train {' '.join(map(str, arguments))} ended with {done.returncode}:\n{words}")

    @cached_property
    def config(self):
        path = self.folder / "config.yaml"
        path.write_text(CONFIG.format(base_model=self.base_file, output=self.folder / "run"))
        return path

    @cached_property
    def run(self):
        """The folder of a real training."""
        self.run_trainer("--config", self.config)
        return self.folder / "run"

    @cached_property
    def steps(self):
        """The first steps' batches, losses and learning rates, and beside them the initial adapter."""
        self.run_trainer("probe", "--config", self.config, "--what", "batches", "--steps", str(STEPS), "--output", "steps")
        return json.loads((self.folder / "steps" / "steps.json").read_text())

    @property
    def initial_adapter(self):
        _ = self.steps
        return self.folder / "steps" / "initial"

    def logits(self, ids, adapter=None):
        """The trainer's logits of every list of ids."""
        from safetensors.torch import load_file

        name = "adapter" if adapter else "base"
        (self.folder / "ids.json").write_text(json.dumps(ids))
        output = self.folder / f"logits-{name}.safetensors"
        extra = ["--adapter", adapter] if adapter else []
        self.run_trainer(
            "probe", "--config", self.config, "--what", "logits", "--ids", "ids.json", *extra, "--output", output
        )
        tensors = load_file(output)
        return [tensors[f"logits.{number}"].float() for number in range(len(ids))]

    @cached_property
    def tokenizer(self):
        from transformers import AutoTokenizer

        return AutoTokenizer.from_pretrained(self.base_file.parent, gguf_file=self.base_file.name)

    def new_base(self):
        """The base model as transformers' own GGUF loader reads it, in fp32."""
        from transformers import AutoModelForCausalLM

        model = AutoModelForCausalLM.from_pretrained(
            self.base_file.parent, gguf_file=self.base_file.name, dtype=torch.float32
        )
        return model.eval()

    @cached_property
    def texts(self):
        """Token ids of different lengths: three held-out conversations, and English that is none."""
        talks = conversations("validation.jsonl")[:3]
        ids = [self.tokenizer.apply_chat_template(talk, tokenize=True)["input_ids"] for talk in talks]
        return ids + [self.tokenizer("The harbour was quiet, and only one lamp burned.")["input_ids"]]


def reference_logits(model, ids):
    with torch.no_grad():
        return [model(input_ids=torch.tensor([one])).logits[0].float() for one in ids]

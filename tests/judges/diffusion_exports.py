"""diffusers' pipeline: both files of a trained adapter load whole, with and without their headers, and give the
trainer's own outputs at every strength; the layers at Stable Diffusion 1.5's full size are those of sd-scripts."""

import contextlib
import json
import logging
import warnings
from unittest.mock import patch

import diffusion_scene
import diffusion_tiny as tiny
import torch
from diffusion_reference import RESIDUALS, TEXT_MODULES, TRANSFORMERS, UNET_ATTENTION, is_wide, layers_in, long_name, targets
from diffusion_scene import CASES, Case
from safetensors.torch import load_file, save_file
from verdict import largest

# Alpha is twice the rank, half of it, and the rank; the last two with convolutions and with the text encoder.
TRAINED = ("plain", "offset", "conv", "text")
DIFFUSERS_FILE, KOHYA_FILE = "pytorch_lora_weights.safetensors", "kohya.safetensors"
OUTPUT_LIMIT, PRODUCT_LIMIT = 1e-4, 1e-5


def name(check, which=""):
    return f"diffusion_exports.{check}" + (f".{which}" if which else "")


def apart(ours, theirs):
    """max|ours - theirs| / max|theirs|; infinite where the shapes differ."""
    if ours.shape != theirs.shape:
        return float("inf")
    return ((ours - theirs).abs().max() / theirs.abs().max()).item()


def judge(scene, verdicts):
    diffusion = diffusion_scene.of(scene)
    for case in TRAINED:
        training = diffusion.training(case)
        judge_effect(verdicts, training)
        for file, kind in ((DIFFUSERS_FILE, "diffusers"), (KOHYA_FILE, "kohya")):
            judge_file(diffusion, verdicts, training, training.folder / "trained", file, f"{kind}.{case}")
            bare = training.folder / "bare"
            bare.mkdir(exist_ok=True)
            save_file(load_file(training.folder / "trained" / file), bare / file)
            judge_file(diffusion, verdicts, training, bare, file, f"{kind}_bare.{case}")
    judge_run(diffusion, verdicts)
    judge_full_size(diffusion, verdicts)


def judge_effect(verdicts, training):
    """An adapter that does nothing would agree with anything."""
    output = training.output
    effect = apart(output["adapted.output"], output["base.output"])
    verdicts.at_least(name("effect", training.case.name), effect, 1e-2)
    if training.case.trains_text:
        verdicts.at_least(name("effect_text"), apart(output["adapted.states"], output["base.states"]), 1e-2)


def judge_file(diffusion, verdicts, training, folder, file, which):
    case = training.case
    try:
        pipe, complaints = load(diffusion.bases[case.base], folder, file, case)
    except (RuntimeError, ValueError, KeyError, TypeError) as error:
        verdicts.check(name("loads", which), False, f"{type(error).__name__}: {error}"[:300])
        return
    verdicts.equal(name("loads", which), complaints, [], "without a complaint")
    judge_products(verdicts, pipe, training, which)
    output = training.output
    with torch.no_grad():
        states = pipe.text_encoder(output["ids"][:, 0].long()).last_hidden_state
        made = pipe.unet(output["noisy"], output["timesteps"].long(), states).sample
    verdicts.at_most(name("states", which), apart(output["adapted.states"], states), OUTPUT_LIMIT)
    verdicts.at_most(name("output", which), apart(output["adapted.output"], made), OUTPUT_LIMIT)


def load(base, folder, file, case):
    """A pipeline with the adapter, and what diffusers, transformers and peft complained of while loading it."""
    from diffusers import StableDiffusionPipeline
    from diffusers.utils import logging as diffusers_logging

    pipe = StableDiffusionPipeline.from_pretrained(base)
    records = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: records.append(record.getMessage())
    loggers = [logging.getLogger(library) for library in ("diffusers", "transformers", "peft")]
    diffusers_logging.set_verbosity_warning()
    diffusers_logging.disable_default_handler()
    for logger in loggers:
        logger.addHandler(handler)
    try:
        with warnings.catch_warnings(record=True) as said, peft_as_it_is():
            warnings.simplefilter("always")
            pipe.load_lora_weights(folder, weight_name=file, adapter_name="judged")
    finally:
        diffusers_logging.enable_default_handler()
        diffusers_logging.set_verbosity_error()
        for logger in loggers:
            logger.removeHandler(handler)
    complaints = records + [str(warning.message) for warning in said if "deprecat" not in str(warning.message).lower()]
    # Diffusers says of a file for the UNet alone that it holds nothing for the text encoder.
    expected = "No LoRA keys associated to CLIPTextModel"
    return pipe, [words for words in complaints if case.trains_text or not words.startswith(expected)]


@contextlib.contextmanager
def peft_as_it_is():
    """transformers 5.24 refuses adapters of a text model with a peft before 0.22, which does not exist yet; its other
    calls go well with 0.21, as the outputs show. With a newer peft its check stays."""
    from importlib.metadata import version

    if tuple(int(part) for part in version("peft").split(".")[:2]) >= (0, 22):
        yield
        return
    with patch("transformers.integrations.peft.check_peft_version"):
        yield


def judge_products(verdicts, pipe, training, which):
    """peft holds a change for every trained layer and no other, and each is (alpha / r) B A of the trained factors."""
    case = training.case
    factors = load_file(training.folder / "trained" / KOHYA_FILE)
    chosen = targets(case, *models_of_names())
    found, wanted, differences = [], [], []
    for model, prefix, layers in zip((pipe.unet, pipe.text_encoder), ("lora_unet_", "lora_te_"), chosen):
        adapted = {layer: module for layer, module in model.named_modules() if "judged" in getattr(module, "lora_A", {})}
        found += [prefix + layer for layer in adapted]
        wanted += [prefix + layer for layer in layers]
        for layer in adapted.keys() & layers.keys():
            rank, alpha = layers[layer]
            key = prefix + (layer if prefix == "lora_unet_" else long_name(layer)).replace(".", "_")
            up, down = factors[f"{key}.lora_up.weight"], factors[f"{key}.lora_down.weight"]
            theirs = adapted[layer].get_delta_weight("judged").detach()
            ours = (up.flatten(1) @ down.flatten(1)).view(theirs.shape) * alpha / rank
            differences.append(apart(ours, theirs))
    verdicts.equal(name("layers", which), sorted(found), sorted(wanted), f"{len(wanted)} layers")
    verdicts.at_most(name("products", which), largest(differences or [float("inf")]), PRODUCT_LIMIT)


def models_of_names():
    """Models without weights, for their layers' names."""
    from diffusers import UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel

    with torch.device("meta"):
        unet = UNet2DConditionModel(**tiny.UNETS[tiny.TRAINED])
        return unet, CLIPTextModel(CLIPTextConfig(**tiny.TEXTS[tiny.TRAINED]))


def judge_run(diffusion, verdicts):
    """A real training writes the numbers that the probe's training ended with, into both files."""
    case = CASES["plain"]
    diffusion.scene.run_trainer("--config", diffusion.config(case))
    folder = diffusion.folder / f"run-{case.name}" / "checkpoints"
    probed = diffusion.training(case.name).folder / "trained"
    single = [path for path in folder.glob("*.safetensors") if path.name not in (DIFFUSERS_FILE, "adapter.safetensors")]
    verdicts.equal(name("run_files"), len(single), 1, "one file besides diffusers'")
    for path, other, which in ((folder / DIFFUSERS_FILE, DIFFUSERS_FILE, "diffusers"), (single[0], KOHYA_FILE, "kohya")):
        ours, theirs = load_file(path), load_file(probed / other)
        unequal = [key for key in ours.keys() | theirs.keys() if key not in ours or not ours[key].equal(theirs[key])]
        verdicts.equal(name("run", which), unequal, [], f"{len(theirs)} tensors")


def judge_full_size(diffusion, verdicts):
    """Names and shapes at Stable Diffusion 1.5's size, by sd-scripts' rule on diffusers' and transformers' models."""
    base = diffusion.folder / "full-size"
    models = write_full_size(base)
    diffusion.bases["full"] = base
    unet, text = models
    kohya = {f"lora_unet_{layer}": module for layer, module in layers_in(unet, TRANSFORMERS).items()}
    kohya |= {f"lora_te_{long_name(layer)}": module for layer, module in layers_in(text, TEXT_MODULES).items()}
    more = {"lora_targets": "kohya", "text_encoder_lr": 1e-4}
    ours = sites(diffusion, Case("full-kohya", more=more))
    verdicts.equal(name("full_kohya"), ours, shapes(kohya, 4, 4), f"{len(kohya)} modules, {len(ours)} tensors")
    verdicts.equal(name("full_numbers"), (len(kohya), len(ours)), (264, 792), "modules, tensors")
    wide = kohya | {f"lora_unet_{layer}": module for layer, module in layers_in(unet, RESIDUALS).items()}
    ours = sites(diffusion, Case("full-conv", more=more | {"conv_rank": 2}))
    verdicts.equal(name("full_conv"), ours, shapes(wide, 4, 2), f"{len(wide)} modules")
    attention = {layer: module for layer, module in kohya.items() if layer.endswith(UNET_ATTENTION)}
    ours = sites(diffusion, Case("full-attention"))
    verdicts.equal(name("full_attention"), ours, shapes(attention, 4, 4), f"{len(attention)} modules")
    numbers = sum(torch.Size(shape).numel() for shape in ours.values() if shape)
    verdicts.equal(name("full_parameters"), numbers, 797_184, "numbers at rank 4")


def sites(diffusion, case):
    """The shapes of the trainer's tensors by name."""
    output = diffusion.folder / f"{case.name}.json"
    diffusion.scene.run_trainer(
        "probe", "--config", diffusion.config(case, "full", step=64), "--what", "sites", "--output", output
    )
    return json.loads(output.read_text())


def shapes(layers, rank, wide_rank):
    """The shapes of the tensors that sd-scripts makes for these layers."""
    made = {}
    for layer, module in layers.items():
        out, into, *kernel = module.weight.shape
        own, key = wide_rank if is_wide(module) else rank, layer.replace(".", "_")
        made[f"{key}.lora_down.weight"] = [own, into, *kernel]
        made[f"{key}.lora_up.weight"] = [out, own, *[1 for _ in kernel]]
        made[f"{key}.alpha"] = []
    return made


def write_full_size(base):
    """A folder of Stable Diffusion 1.5's size whose weights are holes in their files: only names and shapes count."""
    from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel

    levels = len(tiny.VAES[tiny.FULL]["block_out_channels"])
    blocks = {"down_block_types": ["DownEncoderBlock2D"] * levels, "up_block_types": ["UpDecoderBlock2D"] * levels}
    with torch.device("meta"):
        unet = UNet2DConditionModel(**tiny.UNETS[tiny.FULL])
        vae = AutoencoderKL(**tiny.VAES[tiny.FULL], **blocks)
        text = CLIPTextModel(CLIPTextConfig(**tiny.TEXTS[tiny.FULL]))
    unet.save_config(base / "unet")
    vae.save_config(base / "vae")
    text.config.save_pretrained(base / "text_encoder")
    DDIMScheduler(**tiny.SCHEDULER).save_pretrained(base / "scheduler")
    diffusion_scene.write_tokenizer(base / "tokenizer")
    diffusion_scene.write_index(base)
    weights = "diffusion_pytorch_model.safetensors"
    for model, file in ((unet, f"unet/{weights}"), (vae, f"vae/{weights}"), (text, "text_encoder/model.safetensors")):
        write_holes(base / file, model)
    return unet, text


def write_holes(path, model):
    header, end = {}, 0
    for key, tensor in model.state_dict().items():
        start, end = end, end + 4 * tensor.numel()
        header[key] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + end)

"""diffusers and peft: the same pictures, noise and first values give the same pixels, latents, token ids, losses over 50
steps, gradient norms, rates, trained weights and held-out loss, for every form of the loss and every kind of adapter."""

import diffusion_scene
import torch
from diffusion_reference import Repeated
from diffusion_scene import CAPTIONS, CASES, HELD_OUT, LEARNING_RATE, NOISE_OFFSET, SQUARE, STEPS, TALL, TRAINING
from safetensors.torch import load_file
from verdict import largest, largest_relative

WEIGHT_LIMIT = 1e-3
# The checks that every case goes through.
OF_A_CASE = (
    *("steps", "targets", "captions", "latents", "noisy", "ids"),
    *("losses", "gradients", "rates", "held_out", "progress", "weights"),
)


def name(check, case="plain"):
    return f"diffusion_training.{check}" + ("" if case == "plain" else f".{case}")


def apart(ours, theirs):
    """max|ours - theirs| / max|theirs|; infinite where the shapes differ."""
    if ours.shape != theirs.shape:
        return float("inf")
    return ((ours - theirs).abs().max() / theirs.abs().max()).item()


def captions(pictures):
    return {name: CAPTIONS[number % len(CAPTIONS)] for number, name in enumerate(pictures)}


def judge(scene, verdicts):
    diffusion = diffusion_scene.of(scene)
    if verdicts.wants(name("pixels")):
        judge_pixels(diffusion, verdicts)
    for case in CASES.values():
        if verdicts.wants(*(name(check, case.name) for check in OF_A_CASE)):
            judge_case(diffusion, verdicts, case)
    if verdicts.wants(name("offset_even"), name("offset_size"), name("offset_mean")):
        judge_offset(diffusion, verdicts)
    if verdicts.wants(name("layouts_losses"), name("layouts_outputs"), name("layouts_hashes")):
        judge_layouts(diffusion, verdicts)


def judge_pixels(diffusion, verdicts):
    """Pillow's pixels, turned as their EXIF data says and cropped in the centre, to the bit."""
    ours = diffusion.training("masked").pictures
    unequal = []
    for folder, pictures in (("masked", TRAINING), ("held-out", HELD_OUT)):
        for file in pictures:
            path = diffusion.data[folder] / file
            unequal += [f"rgb of {file}"] * (not ours[f"rgb.{file}"].equal(cropped(path, "RGB") / 127.5 - 1))
            mask = path.parent / "masks" / file
            theirs = cropped(mask, "L")[0] / 255 if mask.exists() else None
            same = (theirs is None) == (f"mask.{file}" not in ours)
            same = same and (theirs is None or ours[f"mask.{file}"].equal(theirs))
            unequal += [f"mask of {file}"] * (not same)
    verdicts.equal(name("pixels"), unequal, [], f"{len(TRAINING) + len(HELD_OUT)} pictures and their masks")


def cropped(path, mode):
    from PIL import Image, ImageOps

    picture = ImageOps.exif_transpose(Image.open(path)).convert(mode)
    width, height = SQUARE if picture.width / picture.height > 0.8 else TALL
    left, top = (picture.width - width) // 2, (picture.height - height) // 2
    picture = picture.crop((left, top, left + width, top + height))
    numbers = torch.frombuffer(bytearray(picture.tobytes()), dtype=torch.uint8)
    return numbers.view(height, width, len(mode)).permute(2, 0, 1).float()


def judge_case(diffusion, verdicts, case):
    training = diffusion.training(case.name)
    repeated = Repeated(diffusion, training)
    batches = [batch for step in training.steps for batch in step["micro_batches"]]
    verdicts.equal(name("steps", case.name), len(training.steps), STEPS, f"{STEPS} steps")
    verdicts.equal(name("targets", case.name), sorted(repeated.initial_keys ^ repeated.wanted_keys), [], "the layers that sd-scripts and diffusers take")
    told = [(file, caption) for batch in batches for file, caption in zip(batch["samples"], batch["captions"])]
    verdicts.equal(name("captions", case.name), set(told) - set(captions(TRAINING).items()), set(), f"{len(told)} looks")
    judge_inputs(verdicts, training, repeated)
    before = repeated.held_out_loss(captions(HELD_OUT))
    losses, norms, rates = repeated.train()
    after = repeated.held_out_loss(captions(HELD_OUT))
    ours = {key: [step[key] for step in training.steps] for key in ("loss", "grad_norm", "learning_rate")}
    wider = case.tolerance
    verdicts.at_most(name("losses", case.name), largest_relative(ours["loss"], losses), 1e-4 * wider)
    verdicts.at_most(name("gradients", case.name), largest_relative(ours["grad_norm"], norms), 1e-3 * wider)
    wrong = max(abs(a - b) for a, b in zip(ours["learning_rate"], rates)) / LEARNING_RATE
    verdicts.at_most(name("rates", case.name), wrong, 1e-9)
    held_out = [training.report[key] for key in ("eval_loss", "trained_eval_loss")]
    verdicts.at_most(name("held_out", case.name), largest_relative(held_out, [before, after]), 1e-4 * wider)
    # Otherwise all of this could agree without the adapter having learnt anything.
    verdicts.at_least(name("progress", case.name), 1 - after / before, 0.02)
    judge_weights(verdicts, training, repeated)


def judge_inputs(verdicts, training, repeated):
    """Latents with noise, from pixels on, and token ids."""
    latents, noisy, unequal_ids = [], [], 0
    for step in training.steps:
        for number, batch in enumerate(step["micro_batches"]):
            part = lambda key: training.part(step["step"], number, key)  # noqa: B023, E731
            theirs = repeated.latents(batch["samples"], part("posterior"))
            latents.append(apart(part("latents"), theirs))
            mixed = repeated.noise.add_noise(theirs, part("noise"), part("timesteps").long())
            noisy.append(apart(part("noisy"), mixed))
            unequal_ids += not part("ids")[:, 0].long().equal(repeated.ids(batch["captions"]))
    case = training.case.name
    verdicts.at_most(name("latents", case), largest(latents), 1e-5)
    verdicts.at_most(name("noisy", case), largest(noisy), 1e-5)
    verdicts.equal(name("ids", case), unequal_ids, 0, "token ids as transformers' tokenizer gives them")


def judge_weights(verdicts, training, repeated):
    """The trained change of every layer."""
    kohya = load_file(training.folder / "trained" / "kohya.safetensors")
    differences = []
    for part, prefix, chosen in zip(("unet", "text"), ("lora_unet_", "lora_te_text_model_"), repeated.targets):
        for layer, (rank, alpha) in chosen.items():
            key = prefix + layer.removeprefix("text_model.").replace(".", "_")
            up, down = kohya[f"{key}.lora_up.weight"], kohya[f"{key}.lora_down.weight"]
            theirs = repeated.product(part, layer)
            ours = (up.flatten(1) @ down.flatten(1)).view(theirs.shape) * alpha / rank
            differences.append(apart(ours, theirs))
    limit = WEIGHT_LIMIT * training.case.tolerance
    verdicts.at_most(name("weights", training.case.name), largest(differences), limit)


def judge_offset(diffusion, verdicts):
    """The offset moves whole channels of a picture's noise, and nothing else of the same seed."""
    plain, moved = diffusion.training("plain"), diffusion.training("offset")
    within, offsets = 0.0, []
    for key, noise in plain.tensors.items():
        if key.endswith(".noise"):
            difference = moved.tensors[key] - noise
            within = max(within, (difference - difference.mean(dim=(2, 3), keepdim=True)).abs().max().item())
            offsets.append(difference.mean(dim=(2, 3)).flatten())
        elif key.endswith((".timesteps", ".ids", ".latents")):
            within = max(within, (moved.tensors[key] - noise).abs().max().item())
    offsets = torch.cat(offsets)
    verdicts.at_most(name("offset_even"), within, 1e-5)
    # Of some hundred numbers the standard deviation is within a fifth of the true one.
    verdicts.at_most(name("offset_size"), abs(offsets.std().item() / NOISE_OFFSET - 1), 0.2)
    verdicts.at_most(name("offset_mean"), abs(offsets.mean().item() / NOISE_OFFSET), 0.25)


def judge_layouts(diffusion, verdicts):
    """The same weights as a folder and as a single file in the original layout."""
    folder, single = diffusion.training("plain"), diffusion.training("plain", "checkpoint")
    numbers = [[(step["loss"], step["grad_norm"]) for step in training.steps] for training in (folder, single)]
    verdicts.equal(name("layouts_losses"), numbers[1], numbers[0], "to the bit")
    unequal = [key for key in folder.output if not folder.output[key].equal(single.output[key])]
    unequal += [key for key in folder.pictures if not folder.pictures[key].equal(single.pictures[key])]
    verdicts.equal(name("layouts_outputs"), unequal, [], "states, outputs and latents, to the bit")
    hashes = [{training.report[key] for training in (folder, single)} for key in ("base_hash", "base_sha256")]
    verdicts.equal(name("layouts_hashes"), [len(both) for both in hashes], [2, 2], "of header and file, differ")

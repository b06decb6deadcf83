"""The diffusion models against diffusers and transformers: random models of the same weights in fp32, their
outputs, the gradients of branches on every layer that may carry one, the noise schedule and the samplers.

With LORADECK_JUDGE_FULL=1 also at Stable Diffusion 1.5's full size, which takes about 9 GB of memory and 5 GB of disk."""

import gc
import os
import subprocess

import diffusion_tiny as tiny
import torch
from safetensors.torch import load_file, save_file
from scene import SceneError, required

OUTPUT_LIMIT = 1e-5
EXACT_LIMIT = 1e-9
SAMPLER_LIMIT = 1e-4
BRANCH_SCALE = 1.5
UNET_LAYERS = (
    *("to_q", "to_k", "to_v", "to_out.0", "proj_in", "proj_out", "ff.net.0.proj", "ff.net.2"),
    *("conv1", "conv2", "conv_shortcut", "time_emb_proj", "downsamplers.0.conv", "upsamplers.0.conv"),
)
TEXT_LAYERS = ("q_proj", "k_proj", "v_proj", "out_proj", "mlp.fc1", "mlp.fc2")


def probe(scene, what, folder, given, *more):
    """What the probe makes of tensors, and what it prints."""
    paths = scene.folder / "given.safetensors", scene.folder / "made.safetensors"
    save_file({name: tensor.contiguous() for name, tensor in given.items()}, paths[0])
    program = required("LORADECK_DIFFUSION_PROBE")
    done = subprocess.run([program, what, folder, *more, *paths], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SceneError(f"{program} {what} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return load_file(paths[1]), done.stdout


def apart(ours, theirs):
    """max|ours - theirs| / max|theirs|; infinite where the shapes differ."""
    if ours.shape != theirs.shape:
        return float("inf")
    return ((ours.double() - theirs.double()).abs().max() / theirs.double().abs().max()).item()


def judge(scene, verdicts):
    for which in (tiny.SD1, tiny.SD2):
        judge_unet(scene, verdicts, which)
        judge_vae(scene, verdicts, which)
        judge_text(scene, verdicts, which)
    for prediction in ("epsilon", "v_prediction"):
        judge_noise(scene, verdicts, prediction)
        judge_samplers(scene, verdicts, prediction)
    if os.environ.get("LORADECK_JUDGE_FULL") == "1":
        judge_text(scene, verdicts, tiny.FULL)
        judge_vae(scene, verdicts, tiny.FULL)
        judge_unet(scene, verdicts, tiny.FULL)


def name(check, which):
    return f"diffusion_models.{check}" + ("" if which in (tiny.SD1, "epsilon") else f".{which.split('_')[0]}")


def judge_unet(scene, verdicts, which):
    model, given = tiny.unet(which), tiny.unet_inputs(which)
    folder = scene.folder / f"unet-{which}"
    model.save_pretrained(folder)
    theirs = tiny.unet_output(model, given)
    ours, words = probe(scene, "unet", folder, given)
    verdicts.at_least(name("unet_spread", which), theirs.std().item(), 1)
    verdicts.at_most(name("unet", which), apart(ours["output"], theirs), OUTPUT_LIMIT)
    if which == tiny.FULL:
        print(f"      {words.strip()} (fp32)", flush=True)
    call = lambda model, given: model(given["latents"], given["timesteps"], given["states"]).sample  # noqa: E731
    kind = type(model)
    del model
    judge_branches(scene, verdicts, "unet", which, (kind, folder, given, call, UNET_LAYERS))


def judge_vae(scene, verdicts, which):
    model, given = tiny.vae(which), tiny.vae_inputs(which)
    folder = scene.folder / f"vae-{which}"
    model.save_pretrained(folder)
    theirs = dict(zip(("mean", "std", "decoded"), tiny.vae_outputs(model, given)))
    ours, _ = probe(scene, "vae", folder, given)
    spread = min(theirs[part].std().item() for part in ("mean", "decoded"))
    verdicts.at_least(name("vae_spread", which), spread, 1)
    encoded = max(apart(ours[part], theirs[part]) for part in ("mean", "std"))
    verdicts.at_most(name("vae_encode", which), encoded, OUTPUT_LIMIT)
    verdicts.at_most(name("vae_decode", which), apart(ours["decoded"], theirs["decoded"]), OUTPUT_LIMIT)


def judge_text(scene, verdicts, which):
    model, given = tiny.text(which), tiny.text_inputs(which)
    folder = scene.folder / f"text-{which}"
    model.save_pretrained(folder)
    theirs = tiny.text_outputs(model, given)
    ours, _ = probe(scene, "text", folder, given)
    verdicts.at_least(name("text_spread", which), min(state.std().item() for state in theirs), 1)
    worst = max(apart(ours[f"output.{skip}"], state) for skip, state in enumerate(theirs, 1))
    verdicts.at_most(name("text", which), worst, OUTPUT_LIMIT)
    call = lambda model, given: model(given["ids"]).last_hidden_state  # noqa: E731
    judge_branches(scene, verdicts, "text", which, (type(model), folder, given, call, TEXT_LAYERS))


def judge_branches(scene, verdicts, part, which, case):
    """Branches on every layer at once, in fp64: where attention is sharp, diffusers' own fp32 gradients are 3e-4 away
    from its fp64 ones."""
    kind, folder, given, call, endings = case
    model = kind.from_pretrained(folder).double().eval()
    cast = lambda tensor: tensor.double() if tensor.is_floating_point() else tensor  # noqa: E731
    given = {key: cast(tensor) for key, tensor in given.items()}
    layers, branches = make_branches(model, endings)
    output, gradients, given["direction"] = with_gradients(layers, branches, lambda: call(model, given))
    # At full size there is no room for both programs' models.
    del model, layers
    gc.collect()
    leaves = {key: tensor.detach() for key, tensor in branches.items()}
    ours, words = probe(scene, part, folder, {**given, **leaves})
    verdicts.at_most(name(f"{part}_branches", which), apart(ours["output"], output), EXACT_LIMIT)
    worst = max(apart(ours[key], gradient) for key, gradient in gradients.items())
    verdicts.at_most(name(f"{part}_gradients", which), worst, EXACT_LIMIT)
    if which == tiny.FULL:
        print(f"      {', '.join(words.strip().splitlines())} (fp64)", flush=True)


def make_branches(model, endings):
    """Every layer whose name has one of the endings, and a random A and B of rank 2 for it."""
    draw = torch.Generator().manual_seed(7)
    normal = lambda *sizes: torch.randn(*sizes, generator=draw, dtype=torch.float64)  # noqa: E731
    layers, branches = {}, {}
    for path, layer in model.named_modules():
        if not path.endswith(endings) or not isinstance(layer, (torch.nn.Linear, torch.nn.Conv2d)):
            continue
        out, into, *kernel = layer.weight.shape
        # transformers' own attribute path may lack the prefix that the files have.
        path = f"text_model.{path}" if path.startswith("encoder.layers.") else path
        layers[path] = layer
        branches[f"a.{path}"] = (normal(2, into, *kernel) / layer.weight[0].numel() ** 0.5).requires_grad_()
        branches[f"b.{path}"] = (normal(out, 2, *[1] * len(kernel)) * 0.3).requires_grad_()
    return layers, branches


def with_gradients(layers, branches, call):
    """The output with all branches, the gradients of Σ output · direction, and the direction."""
    hooks = [
        layer.register_forward_hook(branch_hook(branches[f"a.{path}"], branches[f"b.{path}"]))
        for path, layer in layers.items()
    ]
    for layer in layers.values():
        layer.requires_grad_(False)
    output = call()
    direction = torch.randn(output.shape, generator=torch.Generator().manual_seed(8), dtype=output.dtype)
    gradients = torch.autograd.grad((output * direction).sum(), list(branches.values()))
    for hook in hooks:
        hook.remove()
    return output.detach(), dict(zip(branches, gradients)), direction


def branch_hook(a, b):
    def hook(layer, inputs, output):
        x = inputs[0]
        if a.dim() == 2:
            return output + BRANCH_SCALE * (x @ a.T @ b.T)
        inner = torch.nn.functional.conv2d(x, a, stride=layer.stride, padding=layer.padding)
        return output + BRANCH_SCALE * torch.nn.functional.conv2d(inner, b)

    return hook


def scheduler_folder(scene, prediction):
    from diffusers import DDIMScheduler

    folder = scene.folder / f"scheduler-{prediction}"
    DDIMScheduler(**tiny.SCHEDULER, prediction_type=prediction).save_pretrained(folder)
    return folder


def judge_noise(scene, verdicts, prediction):
    from diffusers import DDPMScheduler
    from diffusers.training_utils import compute_snr

    folder = scheduler_folder(scene, prediction)
    theirs = DDPMScheduler.from_pretrained(folder)
    draw = torch.Generator().manual_seed(9)
    timesteps = torch.tensor([0, 1, 250, 500, 998, 999])
    latents, noise = (torch.randn(len(timesteps), 4, 5, 6, generator=draw) for _ in range(2))
    given = {"latents": latents, "noise": noise, "timesteps": timesteps}
    ours, _ = probe(scene, "noise", folder, given)
    pairs = [
        (ours["alphas"], theirs.alphas_cumprod),
        (ours["noisy"], theirs.add_noise(latents, noise, timesteps)),
        (ours["velocity"], theirs.get_velocity(latents, noise, timesteps)),
        *zip(ours["snr"].split(1), compute_snr(theirs, timesteps).split(1)),
    ]
    verdicts.at_most(name("noise", prediction), max(apart(*pair) for pair in pairs), 1e-6)


def judge_samplers(scene, verdicts, prediction):
    import diffusers

    classes = {
        "ddim": diffusers.DDIMScheduler,
        "euler": diffusers.EulerDiscreteScheduler,
        "euler_a": diffusers.EulerAncestralDiscreteScheduler,
        "dpm++_2m": diffusers.DPMSolverMultistepScheduler,
    }
    folder = scheduler_folder(scene, prediction)
    for sampler, kind in classes.items():
        worst, agree = 0.0, True
        for steps in (20, 7, 50):
            given = sampler_inputs(steps)
            ours, _ = probe(scene, "sampler", folder, given, sampler, str(steps))
            theirs = trajectory(kind.from_pretrained(folder), steps, given)
            agree &= ours["timesteps"].tolist() == theirs["timesteps"]
            for part in ("inputs", "path"):
                difference = (ours[part] - theirs[part]).abs().max().item()
                worst = max(worst, difference / max(1.0, theirs[part][-1].abs().max().item()))
        verdicts.check(name(f"{sampler}_timesteps", prediction), agree, "at 20, 7 and 50 steps")
        verdicts.at_most(name(sampler, prediction), worst, SAMPLER_LIMIT)


def sampler_inputs(steps):
    draw = torch.Generator().manual_seed(10)
    size = (1, 4, 6, 5)
    normal = lambda *sizes: torch.randn(*sizes, generator=draw)  # noqa: E731
    return {"start": normal(size), "wave": normal(steps, *size), "fresh": normal(steps, *size)}


def trajectory(scheduler, steps, given):
    """As the probe's: the made-up network is tanh(0.7 x + t/1000 + 0.3 wave[i])."""
    from unittest.mock import patch

    from diffusers.schedulers import scheduling_euler_ancestral_discrete as ancestral

    scheduler.set_timesteps(steps)
    x = given["start"] * scheduler.init_noise_sigma
    inputs, path = [], []
    for index, timestep in enumerate(scheduler.timesteps):
        scaled = scheduler.scale_model_input(x, timestep)
        output = (0.7 * scaled + timestep / 1000 + 0.3 * given["wave"][index]).tanh()
        fresh = given["fresh"][index]
        with patch.object(ancestral, "randn_tensor", lambda *_, **__: fresh):  # noqa: B023
            x = scheduler.step(output, timestep, x).prev_sample
        inputs.append(scaled)
        path.append(x)
    timesteps = [float(timestep) for timestep in scheduler.timesteps]
    return {"timesteps": timesteps, "inputs": torch.stack(inputs), "path": torch.stack(path)}

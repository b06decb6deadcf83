"""An image training repeated with diffusers, transformers and peft. Of the trainer's own it takes the order of the
pictures, the noise, the noise levels, the draws from the latents' distributions and the adapter's first values."""

from functools import cached_property

import torch
from diffusion_scene import CONV_ALPHA, CONV_RANK, GAMMA, LEARNING_RATE, MAX_GRAD_NORM, RANK, STEPS, TEXT_RATE, WARMUP
from diffusion_scene import WEIGHT_DECAY
from safetensors.torch import load_file

# What sd-scripts' networks/lora.py looks for: layers within modules of these classes.
TRANSFORMERS, RESIDUALS = {"Transformer2DModel"}, {"ResnetBlock2D", "Downsample2D", "Upsample2D"}
TEXT_MODULES = {"CLIPAttention", "CLIPMLP"}
UNET_ATTENTION = ("to_q", "to_k", "to_v", "to_out.0")
TEXT_ATTENTION = ("q_proj", "k_proj", "v_proj", "out_proj")
# The parts of the held-out loss: noise levels of 1000.
HELD_OUT_LEVELS = (125, 375, 625, 875)


def layers_in(model, classes):
    """Linear layers and convolutions within modules of these classes, by name, in the model's order."""
    found = {}
    for name, module in model.named_modules():
        if type(module).__name__ in classes:
            for inner, layer in module.named_modules():
                if isinstance(layer, (torch.nn.Linear, torch.nn.Conv2d)):
                    found[f"{name}.{inner}" if inner else name] = layer
    return found


def is_wide(layer):
    return isinstance(layer, torch.nn.Conv2d) and layer.kernel_size != (1, 1)


def targets(case, unet, text):
    """The layers that a case trains: of each part, rank and alpha by name."""
    kohya = case.more.get("lora_targets") == "kohya"
    chosen = layers_in(unet, TRANSFORMERS)
    if not kohya:
        chosen = {name: layer for name, layer in chosen.items() if name.endswith(UNET_ATTENTION)}
    if case.convolutions:
        chosen |= layers_in(unet, RESIDUALS)
    wide = (CONV_RANK, CONV_ALPHA)
    of_unet = {name: wide if is_wide(layer) else (RANK, case.alpha) for name, layer in chosen.items()}
    of_text = layers_in(text, TEXT_MODULES) if case.trains_text else {}
    of_text = {name: (RANK, case.alpha) for name in of_text if kohya or name.endswith(TEXT_ATTENTION)}
    return of_unet, of_text


def long_name(name):
    """A text layer's name as files have it: the models of transformers 5 lack the first part."""
    return name if name.startswith("text_model.") else f"text_model.{name}"


class Repeated:
    """The models of a case with fresh adapters of the trainer's first values."""

    def __init__(self, diffusion, training):
        from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel
        from transformers import CLIPTextModel, CLIPTokenizer

        self.case, self.training = training.case, training
        folder = diffusion.bases[self.case.base]
        self.unet = UNet2DConditionModel.from_pretrained(folder / "unet").requires_grad_(False)
        self.text = CLIPTextModel.from_pretrained(folder / "text_encoder").requires_grad_(False)
        self.vae = AutoencoderKL.from_pretrained(folder / "vae").requires_grad_(False)
        self.tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer")
        self.noise = DDPMScheduler.from_pretrained(folder / "scheduler")
        self.targets = targets(self.case, self.unet, self.text)
        initial = load_file(training.folder / "initial" / "pytorch_lora_weights.safetensors")
        self.initial_keys = set(initial)
        self.wanted_keys = set()
        for model, part, chosen in zip((self.unet, self.text), ("unet", "text_encoder"), self.targets):
            if chosen:
                self.wanted_keys |= attach(model, part, chosen, initial)

    def ids(self, captions):
        given = dict(padding="max_length", truncation=True, max_length=77, return_tensors="pt")
        return self.tokenizer(captions, **given).input_ids

    def states(self, captions):
        return self.text(self.ids(captions)).last_hidden_state

    @cached_property
    def distributions(self):
        """By picture: mean and deviation of the latents of the trainer's pixels, which are judged by themselves."""
        found = {}
        for key, pixels in self.training.pictures.items():
            part, name = key.split(".", 1)
            if part == "rgb":
                with torch.no_grad():
                    moments = self.vae.encode(pixels[None]).latent_dist
                found[name] = (moments.mean[0], moments.std[0])
        return found

    def latents(self, names, posterior):
        """A draw from the pictures' distributions, scaled as the network wants it."""
        pairs = [self.distributions[name] for name in names]
        drawn = [mean + std * draw for (mean, std), draw in zip(pairs, posterior)]
        return torch.stack(drawn) * self.vae.config.scaling_factor

    def masks(self, names, size):
        """Masks at the latents' size; a picture without one counts in full."""
        pictures = self.training.pictures
        whole = torch.ones(1, 1, *size)
        small = lambda mask: torch.nn.functional.interpolate(mask[None, None], size, mode="area")  # noqa: E731
        return torch.cat([small(pictures[f"mask.{name}"]) if f"mask.{name}" in pictures else whole for name in names])

    def losses(self, latents, noise, timesteps, states, mask=None):
        """The unweighted loss of every picture."""
        noisy = self.noise.add_noise(latents, noise, timesteps)
        prediction = self.unet(noisy, timesteps, states).sample
        velocity = self.noise.config.prediction_type == "v_prediction"
        target = self.noise.get_velocity(latents, noise, timesteps) if velocity else noise
        each = torch.nn.functional.mse_loss(prediction, target, reduction="none")
        if mask is not None:
            each = each * mask
        return each.mean(dim=(1, 2, 3))

    def loss_weights(self, timesteps):
        """As diffusers' own training script has them."""
        from diffusers.training_utils import compute_snr

        if "min_snr_gamma" not in self.case.more:
            return torch.ones(len(timesteps))
        snr = compute_snr(self.noise, timesteps)
        least = torch.stack([snr, GAMMA * torch.ones_like(snr)], dim=1).min(dim=1)[0]
        return least / (snr + 1) if self.noise.config.prediction_type == "v_prediction" else least / snr

    def micro_loss(self, step, number, batch):
        """The sum of the weighted losses of a micro-batch."""
        part = lambda name: self.training.part(step, number, name)  # noqa: E731
        names = batch["samples"]
        latents = self.latents(names, part("posterior"))
        timesteps = part("timesteps").long()
        mask = self.masks(names, latents.shape[2:]) if self.case.masked else None
        each = self.losses(latents, part("noise"), timesteps, self.states(batch["captions"]), mask)
        return (each * self.loss_weights(timesteps)).sum()

    def train(self):
        """Losses, gradient norms and learning rates of torch's AdamW under diffusers' schedule."""
        from diffusers.optimization import get_cosine_schedule_with_warmup

        trained = [[p for p in model.parameters() if p.requires_grad] for model in (self.unet, self.text)]
        groups = [{"params": part, "lr": rate} for part, rate in zip(trained, (LEARNING_RATE, TEXT_RATE)) if part]
        optimizer = torch.optim.AdamW(groups, weight_decay=WEIGHT_DECAY)
        schedule = get_cosine_schedule_with_warmup(optimizer, WARMUP, STEPS)
        losses, norms, rates = [], [], []
        for step in self.training.steps:
            batches = step["micro_batches"]
            sums = [self.micro_loss(step["step"], number, batch) for number, batch in enumerate(batches)]
            loss = sum(sums) / sum(len(batch["samples"]) for batch in batches)
            loss.backward()
            norms.append(torch.nn.utils.clip_grad_norm_(sum(trained, []), MAX_GRAD_NORM).item())
            losses.append(loss.item())
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            optimizer.zero_grad()
            schedule.step()
        return losses, norms, rates

    def held_out_loss(self, captions):
        """The mean over the held-out pictures, each at four noise levels with noise of its own."""
        losses = []
        pictures = self.training.pictures
        with torch.no_grad():
            for name, caption in captions.items():
                latents = (self.distributions[name][0] * self.vae.config.scaling_factor)[None]
                for number, level in enumerate(HELD_OUT_LEVELS):
                    noise = pictures[f"noise.{number}.{name}"][None]
                    timestep = torch.tensor([level])
                    losses.append(self.losses(latents, noise, timestep, self.states([caption])).item())
        return sum(losses) / len(losses)

    def product(self, part, name):
        """The change of a layer's weight that peft computes."""
        layer = dict((self.unet if part == "unet" else self.text).named_modules())[name]
        return layer.get_delta_weight("default").detach()


def attach(model, part, chosen, initial):
    """Adds peft's adapters and gives them the first values. Returns the names that the file should have."""
    from peft import LoraConfig, inject_adapter_in_model, set_peft_model_state_dict

    config = LoraConfig(
        r=RANK,
        lora_alpha=next(iter(chosen.values()))[1],
        target_modules=list(chosen),
        rank_pattern={name: rank for name, (rank, _) in chosen.items()},
        alpha_pattern={name: alpha for name, (_, alpha) in chosen.items()},
    )
    inject_adapter_in_model(config, model, adapter_name="default")
    in_file = (lambda name: name) if part == "unet" else long_name
    named = {
        f"{name}.lora_{matrix}.weight": f"{part}.{in_file(name)}.lora_{matrix}.weight" for name in chosen for matrix in "AB"
    }
    state = {name: initial[key] for name, key in named.items() if key in initial}
    set_peft_model_state_dict(model, state, adapter_name="default")
    return set(named.values())

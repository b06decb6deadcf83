"""Trains the autoencoder of the picture book on all styles, for a stated time."""

import math
import time

import numpy as np
import torch
from torch.nn import functional as F

import base_model

KL_WEIGHT = 3e-5


def to_batch(pixels):
    """Bytes [n, 3, h, w] as floats in [-1, 1]."""
    return (pixels.float() / 127.5 - 1.0).contiguous(memory_format=torch.channels_last)


class Objective(torch.nn.Module):
    """Reconstruction (squared, absolute and edge error) and a slight pull of the latents to unit normal."""

    def __init__(self, vae):
        super().__init__()
        self.vae = vae

    def forward(self, x, noise):
        mean, logvar = self.vae.quant_conv(self.vae.encoder(x)).chunk(2, dim=1)
        mean, logvar = mean.float(), logvar.float().clamp(-30, 20)
        latents = mean + (0.5 * logvar).exp() * noise
        y = self.vae.decoder(self.vae.post_quant_conv(latents)).float()
        mse = F.mse_loss(y, x)
        edges = F.l1_loss(y.diff(dim=2), x.diff(dim=2)) + F.l1_loss(y.diff(dim=3), x.diff(dim=3))
        kl = 0.5 * (mean.square() + logvar.exp() - 1.0 - logvar).mean()
        return 4.0 * mse + F.l1_loss(y, x) + edges + KL_WEIGHT * kl, mse


def train(pixels, seconds, device, batch=96, rate=1.2e-3, compile_it=True, seed=0, start=None, log=print):
    """Returns the trained autoencoder (EMA weights). `pixels` are bytes [n, 3, 128, 128] on the device."""
    torch.manual_seed(seed)
    vae = base_model.new_vae()
    if start:
        vae.load_state_dict(start)
    vae = vae.to(device, memory_format=torch.channels_last).train()
    ema = torch.optim.swa_utils.AveragedModel(vae, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.998))
    objective = Objective(vae)
    step_fn = torch.compile(objective) if compile_it else objective
    optimizer = torch.optim.AdamW(vae.parameters(), lr=rate, betas=(0.9, 0.99), weight_decay=1e-3)
    began, step, marks, last = time.time(), 0, [], 0.0
    while (share := (time.time() - began) / seconds) < 1.0:
        factor = min(1.0, (step + 1) / 200) * (1.0 if share < 0.5 else max(0.0, 0.5 + 0.5 * math.cos(2 * math.pi * (share - 0.5))))
        for group in optimizer.param_groups:
            group["lr"] = rate * factor
        x = to_batch(pixels[torch.randint(len(pixels), (batch,), device=pixels.device)].to(device))
        noise = torch.randn(batch, 4, 16, 16, device=device)
        with torch.autocast(device, dtype=torch.bfloat16, enabled=device == "cuda"):
            loss, mse = step_fn(x, noise)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
        optimizer.step()
        if step > 100:
            ema.update_parameters(vae)
        marks.append(mse.detach())
        step += 1
        if step in (1, 20) or time.time() - last > 15:
            last = time.time()
            mean = torch.stack(marks[-100:]).mean().item()
            log(f"vae step {step} {time.time() - began:.0f} s psnr {10 * math.log10(4.0 / mean):.2f} dB", flush=True)
    return (ema.module if step > 200 else vae).eval()


@torch.no_grad()
def latents(vae, pixels, device, batch=512):
    """Posterior mean and standard deviation of every picture, fp16 on the device: [n, 4, 16, 16] twice."""
    means, deviations = [], []
    for i in range(0, len(pixels), batch):
        chunk = pixels[i : i + batch]
        chunk = torch.from_numpy(np.ascontiguousarray(chunk)) if isinstance(chunk, np.ndarray) else chunk
        posterior = vae.encode(to_batch(chunk.to(device))).latent_dist
        means.append(posterior.mean.half())
        deviations.append(posterior.std.half())
    return torch.cat(means), torch.cat(deviations)


@torch.no_grad()
def psnr(vae, pixels, device):
    """Mean over pictures of the reconstruction's PSNR in dB (from the posterior mean, clipped)."""
    values = []
    for i in range(0, len(pixels), 64):
        x = to_batch(torch.from_numpy(np.ascontiguousarray(pixels[i : i + 64])).to(device))
        y = vae.decode(vae.encode(x).latent_dist.mean).sample.clamp(-1, 1)
        values.append(10 * torch.log10(4.0 / (y - x).square().mean(dim=(1, 2, 3))))
    return torch.cat(values).mean().item()

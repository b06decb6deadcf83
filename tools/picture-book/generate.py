#!/usr/bin/env python3
"""Generates pictures of captions with a base in a diffusers folder: DDIM with classifier-free guidance.

    generate.py --base DIR --captions FILE --out DIR [--seed 0] [--steps 20] [--guidance 4]

Picture i is made from the noise of seed + i and written as `NN.png`.
"""

import argparse
from pathlib import Path

import torch
from PIL import Image

import base_model


@torch.no_grad()
def generate(vae, unet, text_encoder, scale, captions, seed=0, steps=20, guidance=4.0, device="cpu", batch=32):
    """Pictures as bytes [n, 128, 128, 3]."""
    out = []
    for first in range(0, len(captions), batch):
        texts = captions[first : first + batch]
        states = text_encoder(input_ids=base_model.encode([""] * len(texts) + list(texts)).to(device)).last_hidden_state
        noises = [torch.randn(4, 16, 16, generator=torch.Generator().manual_seed(seed + first + i)) for i in range(len(texts))]
        x = torch.stack(noises).to(device)
        scheduler = base_model.scheduler()
        scheduler.set_timesteps(steps)
        for t in scheduler.timesteps:
            empty, told = unet(torch.cat([x, x]), t, encoder_hidden_states=states).sample.float().chunk(2)
            x = scheduler.step(empty + guidance * (told - empty), t, x).prev_sample
        pixels = vae.decode(x / scale).sample.clamp(-1, 1)
        out.append(((pixels + 1) * 127.5).round().byte().permute(0, 2, 3, 1).cpu())
    return torch.cat(out).numpy()


def load(folder):
    """(vae, unet, text encoder, scaling factor) of a diffusers folder, in fp32."""
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextModel

    vae = AutoencoderKL.from_pretrained(folder, subfolder="vae", torch_dtype=torch.float32).eval()
    unet = UNet2DConditionModel.from_pretrained(folder, subfolder="unet", torch_dtype=torch.float32).eval()
    text_encoder = CLIPTextModel.from_pretrained(folder, subfolder="text_encoder", dtype=torch.float32).eval()
    return vae, unet, text_encoder, vae.config.scaling_factor


def grid(rows, path):
    """Writes rows of pictures (bytes, equal sizes) as one PNG."""
    side = rows[0][0].shape[0]
    image = Image.new("RGB", (max(map(len, rows)) * side, len(rows) * side))
    for y, row in enumerate(rows):
        for x, picture in enumerate(row):
            image.paste(Image.fromarray(picture), (x * side, y * side))
    image.save(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", required=True)
    parser.add_argument("--captions", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--guidance", type=float, default=4.0)
    args = parser.parse_args()
    vae, unet, text_encoder, scale = load(args.base)
    captions = args.captions.read_text().splitlines()
    args.out.mkdir(parents=True, exist_ok=True)
    for i, picture in enumerate(generate(vae, unet, text_encoder, scale, captions, args.seed, args.steps, args.guidance)):
        Image.fromarray(picture).save(args.out / f"{i:02d}.png")


if __name__ == "__main__":
    main()

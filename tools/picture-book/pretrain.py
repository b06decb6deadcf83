#!/usr/bin/env python3
"""Makes the picture book's base: draws scenes, trains the autoencoder, then the denoiser with the text encoder.

    pretrain.py vae    --work DIR --out DIR --seconds 200
    pretrain.py unet   --work DIR --out DIR --seconds 460 [--decay-from 0.5] [--start DIR]
    pretrain.py export --start DIR --out FOLDER

`--work` keeps the drawn scenes and the full training state between calls; `--out` gets what is worth carrying away:
vae.pt, averaged.pt (fp16 averaged weights) and grids. `--start` names an earlier `--out` whose training goes on (the
full state in `--work` is used when there is one). `export` writes the diffusers folder.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch

import base_model
import train_vae
from generate import generate, grid
from scenes import picture, sample
from styles import STYLES
from train_unet import Training

HERE = Path(__file__).parent


def start_render(args, name, count, mix, *more):
    """Draws in a process of its own, since a process that holds a GPU should not fork."""
    return subprocess.Popen([sys.executable, HERE / "render.py", "--out", args.work / name, "--count", str(count), "--mix", mix, *more])


def wait_render(args, process, name):
    if process.wait():
        raise SystemExit(f"drawing {name} failed")
    return np.load(args.work / f"{name}.npy", mmap_mode="r"), (args.work / f"{name}.txt").read_text().splitlines()


def held_pictures(style, count, first=0):
    texts = [sample(first + i, True, with_character=i % 8 == 7) for i in range(count)]
    return np.stack([np.asarray(picture(text, style, first + i)).transpose(2, 0, 1) for i, text in enumerate(texts)])


def run_vae(args):
    pixels, _captions = wait_render(args, start_render(args, "styles", args.pictures, "flat:2,chalk:1,blueprint:1,risograph:1", "--seed", "1", "--character-share", "0.12"), "styles")
    scenes = start_render(args, "scenes", args.scenes, "flat:1", "--seed", "2")
    vae = train_vae.train(torch.from_numpy(np.ascontiguousarray(pixels)).to(args.device), args.seconds, args.device, args.batch or 96, compile_it=not args.eager, start=read_start(args, "vae.pt"))
    torch.save(vae.state_dict(), args.out / "vae.pt")
    report, rows = {}, []
    for style in STYLES:
        held = held_pictures(style, args.check)
        report[style] = round(train_vae.psnr(vae, held, args.device), 2)
        x = train_vae.to_batch(torch.from_numpy(held[:8]).to(args.device))
        with torch.no_grad():
            y = vae.decode(vae.encode(x).latent_dist.mean).sample.clamp(-1, 1)
        for pictures in (x, y):
            rows.append(list(((pictures + 1) * 127.5).round().byte().permute(0, 2, 3, 1).cpu().numpy()))
    grid(rows, args.out / "reconstructions.png")
    print("vae psnr on held-out scenes", json.dumps(report), flush=True)
    if scenes.wait():
        raise SystemExit("drawing scenes failed")


def read_start(args, name):
    for folder in (args.start, args.work):
        if folder and (folder / name).exists():
            return torch.load(folder / name, map_location=args.device)
    return None


def cached_latents(args, vae, pixels):
    path = args.work / "latents.pt"
    if path.exists():
        return torch.load(path, map_location=args.device)
    found = train_vae.latents(vae, pixels, args.device)
    torch.save(found, path)
    return found


def run_unet(args):
    vae = base_model.new_vae()
    vae.load_state_dict(torch.load((args.start or args.out) / "vae.pt", map_location="cpu"))
    # The export holds fp16 weights: train on the latents that those give.
    vae = vae.half().float().to(args.device).eval()
    pixels, captions = wait_render(args, start_render(args, "scenes", args.scenes, "flat:1", "--seed", "2"), "scenes")
    means, deviations = cached_latents(args, vae, pixels)
    scale = round(1.0 / means.float().std().item(), 5)
    print("scaling factor", scale, "channel means", [round(v, 3) for v in (means.float() * scale).mean(dim=(0, 2, 3)).tolist()], flush=True)
    training = Training(args.device)
    if (args.work / "full.pt").exists():
        training.load(torch.load(args.work / "full.pt", map_location=args.device))
    elif args.start and (args.start / "averaged.pt").exists():
        training.start_from(torch.load(args.start / "averaged.pt", map_location=args.device))
    ids = base_model.encode(captions).to(args.device)
    empty = base_model.encode([""]).to(args.device)
    training.run(means, deviations, scale, ids, empty, args.seconds, args.batch or 512, args.rate, args.decay_from, not args.eager)
    torch.save(training.state(), args.work / "full.pt")
    unet, text_encoder = training.averaged()
    torch.save(base_model.states(unet, text_encoder) | {"scale": scale, "steps": training.steps}, args.out / "averaged.pt")
    held = [sample(500_000 + i, True) for i in range(24)]
    rows = [generate(vae, unet, text_encoder, scale, held[i : i + 8], i, device=args.device) for i in (0, 8, 16)]
    targets = [[np.asarray(picture(text, "flat", 0)) for text in held[i : i + 8]] for i in (0, 8, 16)]
    grid([row for pair in zip(map(list, rows), targets) for row in pair], args.out / "samples.png")
    print("\n".join(held), flush=True)


def run_export(args):
    """Writes the diffusers folder of the networks in `--start`."""
    vae, unet, text_encoder = base_model.new_vae(), base_model.new_unet(), base_model.new_text_encoder()
    vae.load_state_dict(torch.load(args.start / "vae.pt", map_location="cpu"))
    kept = torch.load(args.start / "averaged.pt", map_location="cpu")
    base_model.load_states(unet, text_encoder, kept)
    base_model.export(args.out, vae, unet, text_encoder, kept["scale"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("vae", "unet", "export"))
    parser.add_argument("--work", type=Path, default=Path("/tmp/picture-book"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--start", type=Path)
    parser.add_argument("--seconds", type=float, default=200.0)
    parser.add_argument("--pictures", type=int, default=40_000, help="scenes for the autoencoder")
    parser.add_argument("--scenes", type=int, default=120_000, help="base-style scenes for the denoiser")
    parser.add_argument("--check", type=int, default=64, help="held-out pictures per style for the autoencoder's PSNR")
    parser.add_argument("--batch", type=int)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--decay-from", type=float, default=1.0)
    parser.add_argument("--eager", action="store_true", help="without torch.compile")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    args.work.mkdir(parents=True, exist_ok=True)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    began = time.time()
    {"vae": run_vae, "unet": run_unet, "export": run_export}[args.what](args)
    print(f"{args.what} took {time.time() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()

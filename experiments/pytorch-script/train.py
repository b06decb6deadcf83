"""Fits a small network to a curve: a plain PyTorch script that loradeck knows nothing of."""
import argparse, json, os, signal
import torch

parser = argparse.ArgumentParser()
parser.add_argument("--learning-rate", type=float, required=True)
parser.add_argument("--noise", type=float, default=0.1)
parser.add_argument("--steps", type=int, default=60)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--folder", required=True)
parser.add_argument("--resume", action="store_true")
options = parser.parse_args()

stop = []
signal.signal(signal.SIGTERM, lambda *_: stop.append(True))
torch.manual_seed(options.seed)
device = "cuda" if torch.cuda.is_available() else "cpu"
model = torch.nn.Sequential(torch.nn.Linear(1, 32), torch.nn.Tanh(), torch.nn.Linear(32, 1)).to(device)
optimizer = torch.optim.Adam(model.parameters(), lr=options.learning_rate)
checkpoint, step = os.path.join(options.folder, "checkpoint.pt"), 0
if options.resume and os.path.exists(checkpoint):
    saved = torch.load(checkpoint)
    model.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optimizer"])
    step = saved["step"]

def batch(size):
    x = torch.rand(size, 1, device=device) * 6 - 3
    return x, torch.sin(x) + options.noise * torch.randn_like(x)

held_out = batch(256)
with open(os.path.join(options.folder, "logs", "metrics.jsonl"), "a", buffering=1) as metrics:
    while step < options.steps and not stop:
        step += 1
        x, y = batch(64)
        loss = torch.nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        line = {"step": step, "loss": loss.item(), "learning_rate": options.learning_rate}
        if step % 10 == 0:
            with torch.no_grad():
                line["eval_loss"] = torch.nn.functional.mse_loss(model(held_out[0]), held_out[1]).item()
            print(f"step {step}: held-out loss {line['eval_loss']:.4f}")
        metrics.write(json.dumps(line) + "\n")
torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step}, checkpoint)

"""Trains the denoiser and the text encoder of the picture book on base-style scenes, for a stated time."""

import math
import time

import torch

import base_model

EMPTY_SHARE = 0.1  # captions dropped, for classifier-free guidance
SNR_LIMIT = 5.0  # min-SNR weighting


class Objective(torch.nn.Module):
    """The epsilon loss, weighted by min(SNR, 5) / SNR."""

    def __init__(self, unet, text_encoder):
        super().__init__()
        self.unet, self.text_encoder = unet, text_encoder
        products = base_model.scheduler().alphas_cumprod
        self.register_buffer("products", products)
        self.register_buffer("weights", (SNR_LIMIT / (products / (1 - products))).clamp(max=1.0))

    def forward(self, x, ids, noise, t):
        product = self.products[t].view(-1, 1, 1, 1)
        noisy = product.sqrt() * x + (1 - product).sqrt() * noise
        states = self.text_encoder(input_ids=ids).last_hidden_state
        predicted = self.unet(noisy, t, encoder_hidden_states=states, return_dict=False)[0]
        errors = (predicted.float() - noise).square().mean(dim=(1, 2, 3))
        return (errors * self.weights[t]).mean()


class Training:
    """Networks, averaged weights and optimizer state, so that training can go on in a second call."""

    def __init__(self, device, seed=0):
        torch.manual_seed(seed)
        self.device = device
        self.networks = torch.nn.ModuleList([base_model.new_unet(), base_model.new_text_encoder()]).to(device)
        self.ema = [p.detach().clone() for p in self.networks.parameters()]
        self.optimizer = torch.optim.AdamW(self.networks.parameters(), lr=1e-3, betas=(0.9, 0.99), weight_decay=0.01)
        self.steps = 0

    def state(self):
        return {"networks": self.networks.state_dict(), "ema": self.ema, "steps": self.steps, "optimizer": self.optimizer.state_dict()}

    def load(self, state):
        self.networks.load_state_dict(state["networks"])
        self.ema = [p.to(self.device) for p in state["ema"]]
        self.steps = state["steps"]
        self.optimizer.load_state_dict(state["optimizer"])

    def start_from(self, kept):
        """Starts from averaged weights that an earlier call carried away."""
        base_model.load_states(*self.networks, kept)
        self.ema = [p.detach().clone() for p in self.networks.parameters()]
        self.steps = kept["steps"]

    def averaged(self):
        """(unet, text encoder) with the averaged weights."""
        unet, text_encoder = base_model.new_unet(), base_model.new_text_encoder()
        copy = torch.nn.ModuleList([unet, text_encoder]).to(self.device)
        with torch.no_grad():
            for p, mean in zip(copy.parameters(), self.ema):
                p.copy_(mean)
        return unet.eval(), text_encoder.eval()

    def run(self, means, deviations, scale, ids, empty, seconds, batch=512, rate=1e-3, decay_from=1.0, compile_it=True, log=print):
        """Trains for `seconds`; the learning rate falls to zero from the share `decay_from` of that time on."""
        objective = Objective(*self.networks).to(self.device)
        step_fn = torch.compile(objective) if compile_it else objective
        parameters = list(self.networks.parameters())
        began, marks, last, first = time.time(), [], 0.0, self.steps
        while (share := (time.time() - began) / seconds) < 1.0:
            fall = 0.0 if share <= decay_from else (share - decay_from) / (1 - decay_from)
            factor = min(1.0, (self.steps - first + 1) / 300) * (0.5 + 0.5 * math.cos(math.pi * fall))
            for group in self.optimizer.param_groups:
                group["lr"] = rate * factor
            at = torch.randint(len(means), (batch,), device=self.device)
            x = (means[at].float() + deviations[at].float() * torch.randn(batch, 4, 16, 16, device=self.device)) * scale
            tokens = torch.where(torch.rand(batch, 1, device=self.device) < EMPTY_SHARE, empty, ids[at])
            noise, t = torch.randn_like(x), torch.randint(1000, (batch,), device=self.device)
            with torch.autocast(self.device, dtype=torch.bfloat16, enabled=self.device == "cuda"):
                loss = step_fn(x, tokens, noise, t)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            self.optimizer.step()
            self.steps += 1
            with torch.no_grad():
                torch._foreach_lerp_(self.ema, [p.detach() for p in parameters], 1.0 - min(0.999, (1 + self.steps) / (10 + self.steps)))
            marks.append(loss.detach())
            if self.steps - first in (1, 20) or time.time() - last > 15:
                last = time.time()
                log(f"unet step {self.steps} {time.time() - began:.0f} s loss {torch.stack(marks[-200:]).mean().item():.4f}", flush=True)

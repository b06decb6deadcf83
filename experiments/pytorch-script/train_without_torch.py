"""Fits a line by stochastic gradient descent, with the standard library alone."""
import argparse, json, os, random, signal, sys, time

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
checkpoint = os.path.join(options.folder, "line.json")
state = {"step": 0, "slope": 0.0, "offset": 0.0}
if options.resume and os.path.exists(checkpoint):
    with open(checkpoint) as file:
        state = json.load(file)

def sample(generator):
    x = generator.uniform(-1, 1)
    return x, 3 * x + 0.5 + generator.gauss(0, options.noise)

held_out = random.Random(1)
held_out = [sample(held_out) for _ in range(32)]
# A file that a test makes lets it look at a training in its middle.
pause = os.environ.get("PAUSE_AT_STEP")
with open(os.path.join(options.folder, "logs", "metrics.jsonl"), "a", buffering=1) as metrics:
    while state["step"] < options.steps and not stop:
        step = state["step"] + 1
        x, y = sample(random.Random(f"{options.seed} {step}"))
        error = state["slope"] * x + state["offset"] - y
        state["slope"] -= options.learning_rate * 2 * error * x
        state["offset"] -= options.learning_rate * 2 * error
        state["step"] = step
        line = {"step": step, "loss": error * error, "learning_rate": options.learning_rate}
        if step % 10 == 0:
            losses = [(state["slope"] * x + state["offset"] - y) ** 2 for x, y in held_out]
            line["eval_loss"] = sum(losses) / len(losses)
            print(f"step {step}: held-out loss {line['eval_loss']:.4f}")
        metrics.write(json.dumps(line) + "\n")
        while str(step) == pause and not stop and not os.path.exists(os.path.join(options.folder, "go")):
            time.sleep(0.01)
with open(checkpoint, "w") as file:
    json.dump(state, file)
print("stopped" if stop else "done", "at step", state["step"])

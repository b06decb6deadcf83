"""tensorboard: it reads every scalar that a real training's events hold, and they tell the training's story."""

import struct

from scene import STEPS
from verdict import largest_relative


def records(path):
    """The raw records of an event file, by the framing alone."""
    data, place = path.read_bytes(), 0
    while place + 12 <= len(data):
        (length,) = struct.unpack_from("<Q", data, place)
        yield data[place + 12 : place + 12 + length]
        place += 12 + length + 4


def held_scalars(folder):
    """Every scalar in the files: `{tag: [(step, value)]}`."""
    from tensorboard.compat.proto.event_pb2 import Event

    held = {}
    for path in sorted(folder.glob("events.out.tfevents*")):
        for record in records(path):
            event = Event.FromString(record)
            for value in event.summary.value:
                if value.WhichOneof("value") == "simple_value":
                    held.setdefault(value.tag, []).append((event.step, value.simple_value))
    return held


def read_scalars(folder):
    """The same as tensorboard itself reads them."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    accumulator = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    accumulator.Reload()
    tags = accumulator.Tags()["scalars"]
    return {tag: [(one.step, one.value) for one in accumulator.Scalars(tag)] for tag in tags}


def judge(scene, verdicts):
    logs = scene.run / "logs"
    held, read = held_scalars(logs), read_scalars(logs)
    count = sum(map(len, held.values()))
    verdicts.equal("events.scalars", read, held, f"{count} scalars under {len(held)} tags")
    for tag in ("train/loss", "train/learning_rate", "train/grad_norm", "train/epoch"):
        steps = [step for step, _ in read.get(tag, [])]
        verdicts.equal(f"events.{tag}", steps, list(range(1, STEPS + 1)), f"steps 1 to {STEPS}")
    verdicts.equal("events.eval/loss", [step for step, _ in read.get("eval/loss", [])], [0, 5, 10], "steps 0, 5, 10")
    # The real loop does what the probe, which the other judge compares with peft, laid open.
    probed = [step["loss"] for step in scene.steps["steps"]]
    verdicts.at_most("events.loop", largest_relative([value for _, value in read.get("train/loss", [])], probed), 1e-5)
    first = [value for step, value in read.get("eval/loss", []) if step == 0]
    verdicts.at_most("events.held-out", largest_relative(first, [scene.steps["eval_loss"]]), 1e-5)

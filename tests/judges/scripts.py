"""torch and transformers: the shipped scripts train under loradeck, and its events say what the scripts said."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from events import read_scalars
from scene import ROOT, SceneError, required
from verdict import largest_relative


def train(workspace, experiment, *overrides):
    """One run of an experiment in its own workspace; gives its folder."""
    loradeck = required("LORADECK_TRAIN").with_name("loradeck")
    # The record of trust is the judges' own too, not the user's.
    folders = {"LORADECK_SLOT_LOCKS": str(workspace / "slots"), "XDG_STATE_HOME": str(workspace / "state")}
    environment = dict(os.environ, LORADECK_DEVICE="cpu", **folders)
    # python3 is the judges' own, which has both libraries.
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    subprocess.run([loradeck, "trust", "--yes"], cwd=workspace, env=environment, capture_output=True, check=True)
    command = [loradeck, "run", experiment, *overrides, "--wait", "--plain"]
    done = subprocess.run(command, cwd=workspace, env=environment, capture_output=True, text=True)
    run = workspace / "experiments" / experiment / "runs"
    folders = sorted(run.glob("0*")) if run.is_dir() else []
    if done.returncode != 0 or not folders:
        log = (folders[0] / "logs/train.log").read_text() if folders else ""
        raise SceneError(f"{experiment}: {done.stdout}{done.stderr}{log}")
    return folders[0]


def judge(_scene, verdicts):
    workspace = Path(tempfile.mkdtemp())
    (workspace / "loradeck.yaml").write_text("format: 1\n")
    for name in ("pytorch-script", "hugging-face-trainer"):
        shutil.copytree(ROOT / "experiments" / name, workspace / "experiments" / name)

    run = train(workspace, "pytorch-script", "learning_rate=0.03")
    said = [json.loads(line) for line in (run / "logs/metrics.jsonl").read_text().splitlines()]
    losses = read_scalars(run / "logs").get("train/loss", [])
    verdicts.equal("scripts.pytorch.steps", [step for step, _ in losses], [line["step"] for line in said], "60 steps")
    values = [value for _, value in losses]
    verdicts.at_most("scripts.pytorch.loss", largest_relative(values, [line["loss"] for line in said]), 1e-6)
    verdicts.check("scripts.pytorch.report", "Training Report" in (run / "README.md").read_text(), "is written")

    run = train(workspace, "hugging-face-trainer")
    history = json.loads((run / "output/trainer_state.json").read_text())["log_history"]
    scalars = read_scalars(run / "logs")
    for theirs, ours in (("loss", "train/loss"), ("eval_loss", "eval/loss"), ("grad_norm", "train/grad_norm")):
        said = [(entry["step"], entry[theirs]) for entry in history if theirs in entry]
        read = scalars.get(ours, [])
        verdicts.equal(f"scripts.{ours}.steps", [step for step, _ in read], [step for step, _ in said], f"{len(said)} values")
        verdicts.at_most(f"scripts.{ours}", largest_relative([value for _, value in read], [value for _, value in said]), 1e-6)
    summary = json.loads((run / "summary.json").read_text())
    verdicts.equal("scripts.outcome", summary["outcome"], "finished", "finished")
    fallen = summary["metrics"]["eval/loss"]["last"] / summary["metrics"]["eval/loss"]["first"]
    verdicts.at_most("scripts.learned", fallen, 0.9)
    shutil.rmtree(workspace)

#!/usr/bin/env python3
"""Runs the judges: run.py [NAME…], all without a name. A check is called after its judge: `adapter.logits`.

Exit status: 0 every check passed, 1 a check failed, 3 there was nothing to judge.
"""

import importlib
import os
import shutil
import sys

# The judges need no network: the base model is a local file.
os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "1"
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
os.environ.setdefault("TQDM_DISABLE", "1")
# Threads that wait for each other by spinning stand in each other's way where the cores have other work too.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("DIFFUSERS_VERBOSITY", "error")

import data  # noqa: E402
from scene import Scene, SceneError  # noqa: E402
from verdict import Verdicts  # noqa: E402

NAMES = (*data.NAMES, "base", "folders", "training", "adapter", "events", "scripts", "diffusion_models", "diffusion_training", "diffusion_exports")


def judge(name, scene, verdicts):
    if name in data.NAMES:
        data.judge(name, scene, verdicts)
    else:
        importlib.import_module(name).judge(scene, verdicts)


def main(names):
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        sys.exit(f"no judge is called {', '.join(unknown)}; there are {', '.join(NAMES)}")
    # Names of checks, set where only these matter.
    verdicts = Verdicts(only=set(os.environ.get("LORADECK_JUDGE_ONLY", "").split()))
    try:
        scene = Scene.set()
        for name in names or NAMES:
            judge(name, scene, verdicts)
    except SceneError as error:
        print(error, file=sys.stderr)
        return 3
    print(f"{len(verdicts.passed)} checks passed, {len(verdicts.failed)} failed")
    if verdicts.failed:
        print(f"kept for a look: {scene.folder}")
        return 1
    shutil.rmtree(scene.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

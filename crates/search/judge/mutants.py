#!/usr/bin/env python3
"""Shows that the judge rejects deliberate mistakes: mutants.py [NUMBER…], all without a number.

Each `mutants/NN-name.patch` says above its diff which checks must fail, as those of tests/mutants do, and is tried as
they are, but against Optuna's committed figures: no package is needed. A few seconds each.
"""

import os
import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[2] / "tests" / "mutants"))

import run as mutants  # noqa: E402

WORK = mutants.WORK.parent / "mutants-of-search"


def build(_judges):
    environment = {**os.environ, "CARGO_TARGET_DIR": str(mutants.TARGET)}
    arguments = ["cargo", "build", "--quiet", "--package", "loradeck-search", "--example", "play"]
    done = mutants.command(arguments, cwd=mutants.TREE, env=environment)
    if done.returncode != 0:
        raise mutants.MutantError(f"it does not build:\n{done.stdout}")


def judge(_judges):
    """The judge's exit status, the names of the failed checks, and what was said."""
    play = mutants.TARGET / "debug" / "examples" / "play"
    done = mutants.command([sys.executable, str(HERE / "judge.py"), str(play), "--committed"])
    return done.returncode, set(re.findall(r"^FAIL +(\S+)", done.stdout, re.MULTILINE)), done.stdout


def main(numbers):
    mutants.WORK, mutants.TREE, mutants.TARGET = WORK, WORK / "tree", WORK / "target"
    mutants.PATCHES, mutants.build, mutants.judge = HERE / "mutants", build, judge
    return mutants.main(numbers)


if __name__ == "__main__":
    try:
        sys.exit(main([int(number) for number in sys.argv[1:]]))
    except mutants.MutantError as error:
        sys.exit(str(error))

#!/usr/bin/env python3
"""Shows that the judges reject deliberate mistakes: run.py [NUMBER…], all without a number.

Each `tests/mutants/NN-name.patch` says above its diff which checks must fail (`must fail: adapter.logits …`); a check
begins with the name of its judge, and only the judges named are run; they may leave out checks that no patch names. The
patches are applied one by one to a copy of the checkout, which is built into a target folder of its own. First the copy
is judged without any patch, by the same judges: judges that reject everything would show nothing.

Exit status: 0 if every mistake was rejected by the checks it names; 1 if a judge passed one, a patch no longer
applies, or the unpatched trainer fails.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WORK = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "mutants"
TREE, TARGET = WORK / "tree", WORK / "target"
PATCHES = Path(__file__).resolve().parent
JUDGES = ROOT / "tests" / "judges"
# The judges that look at the data crate's own program and not at the trainer, and those of the diffusion models' program.
OF_DATA = {"blocks", "templates", "tokens", "weights", "samples", "chats"}
OF_DIFFUSION = {"diffusion_models"}


class MutantError(Exception):
    """Why a mutant showed nothing, in a sentence."""


def command(arguments, **options):
    return subprocess.run(arguments, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, **options)


def refresh_copy():
    """Copies what git knows or would take; times are kept, so that cargo builds only what changed."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, check=True
    ).stdout.decode()
    names = {name for name in listed.split("\0") if name and (ROOT / name).is_file()}
    for path in [path for path in TREE.rglob("*") if path.is_file() and str(path.relative_to(TREE)) not in names]:
        path.unlink()
    for name in names:
        source, target = ROOT / name, TREE / name
        if not target.exists() or target.read_bytes() != source.read_bytes():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
            # A file put back after a patch is older than its build: cargo goes by times.
            os.utime(target)
    link = TREE / ".libtorch"
    link.unlink(missing_ok=True)
    link.symlink_to((ROOT / ".libtorch").resolve())
    # The trainer finds libtorch relative to its own place, TARGET/debug.
    beside = WORK / ".libtorch"
    beside.unlink(missing_ok=True)
    beside.symlink_to((ROOT / ".libtorch").resolve())


def apply(patch):
    # Inside a repository `git apply` silently skips files outside of the current folder: keep it from finding one.
    environment = {**os.environ, "GIT_CEILING_DIRECTORIES": str(WORK.resolve())}
    done = command(["git", "apply", "--whitespace=nowarn", str(patch)], cwd=TREE, env=environment)
    if done.returncode != 0:
        raise MutantError(f"the patch no longer applies:\n{done.stdout}")
    for name in re.findall(r"^\+\+\+ b/(.+)$", patch.read_text(), re.MULTILINE):
        os.utime(TREE / name)


def build(judges):
    """Builds the programs that these judges look at; always as parts of the same two packages, so that none of their
    dependencies is compiled twice."""
    programs = ["--example", "probe"] if judges & OF_DATA else []
    programs += ["--example", "diffusion_probe"] if judges & OF_DIFFUSION else []
    programs += ["--bin", "loradeck-train"] if judges - OF_DATA - OF_DIFFUSION else []
    environment = {**os.environ, "CARGO_TARGET_DIR": str(TARGET)}
    packages = ["--package", "loradeck-train", "--package", "loradeck-data"]
    done = command(["cargo", "build", "--quiet", *packages, *programs], cwd=TREE, env=environment)
    if done.returncode != 0:
        raise MutantError(f"it does not build:\n{done.stdout}")


def judge(checks):
    """The exit status of the judges that have these checks, the names of the failed checks, and what was said."""
    programs = {
        "LORADECK_TRAIN": "loradeck-train",
        "LORADECK_PROBE": "examples/probe",
        "LORADECK_DIFFUSION_PROBE": "examples/diffusion_probe",
    }
    environment = os.environ | {name: str(TARGET / "debug" / path) for name, path in programs.items()}
    environment["LORADECK_JUDGE_ONLY"] = " ".join(sorted(checks))
    arguments = [os.environ["LORADECK_JUDGES_PYTHON"], str(JUDGES / "run.py"), *sorted(judges_of(checks))]
    done = command(arguments, env=environment)
    return done.returncode, set(re.findall(r"^FAIL +(\S+)", done.stdout, re.MULTILINE)), done.stdout


def must_fail(patch):
    """The checks that a patch's head names."""
    head = patch.read_text().split("\ndiff --git", 1)[0]
    named = re.search(r"^must fail: (.+)$", head, re.MULTILINE)
    if named is None:
        raise MutantError("its head does not say which checks must fail")
    return set(named.group(1).split())


def judges_of(checks):
    return {check.split(".")[0] for check in checks}


def try_mutant(patch):
    wanted = must_fail(patch)
    refresh_copy()
    apply(patch)
    build(judges_of(wanted))
    status, failed, words = judge(wanted)
    if status not in (0, 1):
        raise MutantError(f"the judges could not judge it (status {status}):\n{words}")
    if not wanted <= failed:
        missed = ", ".join(sorted(wanted - failed))
        raise MutantError(f"not rejected by {missed}:\n{words}")
    return failed


def check_unpatched(patches):
    checks = set().union(*(must_fail(patch) for patch in patches))
    judges = judges_of(checks)
    refresh_copy()
    build(judges)
    status, _, words = judge(checks)
    if status != 0:
        raise MutantError(f"what is judged fails without any of them:\n{words}")
    print(f"unpatched: every check of {', '.join(sorted(judges))} passes", flush=True)


def chosen(numbers):
    patches = sorted(PATCHES.glob("*.patch"))
    by_number = {int(patch.name.split("-")[0]): patch for patch in patches}
    unknown = [number for number in numbers if number not in by_number]
    if not patches or unknown:
        raise MutantError(f"no such mutant: {unknown}; there are {sorted(by_number)}")
    return [by_number[number] for number in numbers] or patches


def main(numbers):
    patches = chosen(numbers)
    TREE.mkdir(parents=True, exist_ok=True)
    check_unpatched(patches)
    bad = 0
    for patch in patches:
        try:
            print(f"{patch.stem}: rejected by {', '.join(sorted(try_mutant(patch)))}", flush=True)
        except MutantError as error:
            bad += 1
            print(f"{patch.stem}: {error}", file=sys.stderr, flush=True)
    print(f"{len(patches) - bad} of {len(patches)} mutants rejected")
    return 1 if bad else 0


if __name__ == "__main__":
    try:
        sys.exit(main([int(number) for number in sys.argv[1:]]))
    except MutantError as error:
        sys.exit(str(error))

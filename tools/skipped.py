#!/usr/bin/env python3
"""Says which tests were skipped and why: skipped.py SKIPPED TEST-LOG.

A test skips in one of two ways: `#[ignore = "reason"]`, which cargo prints, or, where only the running test can
know, one line `NAME: reason` appended to the file that $LORADECK_SKIPPED names. A reason that begins with `gpu`
is counted and shown; under LORADECK_REQUIRE_ALL=1 every other one makes this fail.
"""

import os
import re
import sys
from pathlib import Path


def skipped(notes, log):
    """All skips as lines `name: reason`, in order, each once."""
    ignored = re.findall(r"^test (.+?) \.\.\. ignored(?:, (.*))?$", log, re.MULTILINE)
    # Benchmarks and tests that another test starts as a child are no tests that were left out.
    ignored = [(name, reason) for name, reason in ignored if not reason.startswith(("bench: ", "child: "))]
    lines = [f"{name}: {reason or 'no reason given'}" for name, reason in ignored]
    lines += [line.strip() for line in notes.splitlines() if line.strip()]
    return list(dict.fromkeys(lines))


def is_gpu(line):
    return line.split(": ", 1)[-1].lower().startswith("gpu")


def main():
    notes, log = (Path(path).read_text(errors="replace") for path in sys.argv[1:3])
    lines = skipped(notes, log)
    passed = sum(map(int, re.findall(r"^test result: ok\. (\d+) passed", log, re.MULTILINE)))
    gpu = sum(map(is_gpu, lines))
    print(f"{passed} tests passed, {len(lines)} skipped ({gpu} of them need a GPU)")
    for line in lines:
        print(f"  skipped {line}")
    if os.environ.get("LORADECK_REQUIRE_ALL") == "1" and len(lines) > gpu:
        sys.exit("LORADECK_REQUIRE_ALL=1: a skip is a failure")


if __name__ == "__main__":
    main()

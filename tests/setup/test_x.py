"""`./x` on machines that lack something: one line for each missing thing, all of them at once."""

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

X = Path(__file__).resolve().parents[2] / "x"
TOOLS = ("sh", "dirname", "cut", "sed", "readlink", "ln")


class MissingTest(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.bin = Path(temporary.name)
        for tool in TOOLS:
            (self.bin / tool).symlink_to(shutil.which(tool))

    def fake(self, name, script):
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def run_x(self):
        environment = {"PATH": str(self.bin), "HOME": str(self.bin), "LIBTORCH": ""}
        done = subprocess.run([X], env=environment, capture_output=True, text=True, check=False)
        return done.returncode, done.stderr

    def test_everything_missing_is_named_at_once_with_how_to_get_it(self):
        status, err = self.run_x()
        self.assertEqual(status, 1)
        lines = err.splitlines()
        self.assertEqual(len(lines), 5, err)
        for line, (what, how) in zip(lines[1:], (("cargo 1.92", "rustup"), ("C++", "g++"), ("git", "apt"), ("python3 3.10", "apt"))):
            self.assertIn(what, line)
            self.assertIn(how, line)

    def test_an_old_cargo_and_a_python_without_venv_are_named(self):
        for name in ("c++", "cc", "git"):
            self.fake(name, "exit 0")
        self.fake("cargo", "echo 'cargo 1.91.1 (ea2d97820 2025-10-10)'")
        self.fake("python3", 'case "$2" in *venv*) exit 1;; esac; exit 0')
        status, err = self.run_x()
        self.assertEqual(status, 1)
        self.assertIn("found: 1.91.1", err)
        self.assertIn("python3-venv", err)
        self.assertEqual(len(err.splitlines()), 3, err)

    def test_newer_cargo_versions_pass_the_check(self):
        for name in ("c++", "cc", "git"):
            self.fake(name, "exit 0")
        self.fake("python3", 'case "$1" in *fetch.py) echo reached >&2; exit 7;; esac; exit 0')
        for version in ("1.92.0", "1.95.0-nightly", "1.100.0-beta.1", "2.0.0"):
            self.fake("cargo", f"echo 'cargo {version} (0123abcd 2026-01-01)'")
            self.assertEqual(self.run_x(), (7, "reached\n"), version)


if __name__ == "__main__":
    unittest.main()

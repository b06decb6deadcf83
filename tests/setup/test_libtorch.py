"""tools/fetch.py libtorch where the environment names one: it is taken as it is, and nothing is fetched."""

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

FETCH = Path(__file__).resolve().parents[2] / "tools" / "fetch.py"
PARTS = ("lib/libtorch_cpu.so", "lib/libc10.so", "include/ATen/ATen.h")


class LibtorchTest(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name).resolve()

    def libtorch(self, version, parts=PARTS, name="torch"):
        """A folder that looks like libtorch as far as it is looked at."""
        folder = self.folder / name
        for part in parts:
            (folder / part).parent.mkdir(parents=True, exist_ok=True)
            (folder / part).touch()
        (folder / "version.py").write_text(f"__version__ = '{version}+cpu'\n")
        return folder

    def fetch(self, **variables):
        """Exit status, path printed and words; the cache's folder cannot be made, so that a fetch would fail."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("LIBTORCH", "VIRTUAL_ENV"))}
        (self.folder / "a-file").touch()
        environment = kept | {"XDG_CACHE_HOME": str(self.folder / "a-file")} | variables
        done = subprocess.run(
            [sys.executable, str(FETCH), "libtorch"], env=environment, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout.strip(), done.stderr

    def test_a_folder_is_taken_without_fetching(self):
        folder = self.libtorch("2.11.0")
        (self.folder / "link").symlink_to(folder)
        self.assertEqual(self.fetch(LIBTORCH=str(folder)), (0, str(folder), ""))
        self.assertEqual(self.fetch(LIBTORCH=str(self.folder / "link")), (0, str(folder), ""))

    def test_pytorchs_own_is_taken_without_fetching(self):
        folder = self.libtorch("2.11.0")
        (folder / "__init__.py").touch()
        # `python3` must be the one that sees it.
        (self.folder / "python3").symlink_to(sys.executable)
        variables = {"PYTHONPATH": str(self.folder), "PATH": f"{self.folder}:{os.environ['PATH']}"}
        self.assertEqual(self.fetch(LIBTORCH_USE_PYTORCH="1", **variables), (0, str(folder), ""))

    def test_a_python_without_torch_is_named(self):
        status, path, words = self.fetch(LIBTORCH_USE_PYTORCH="1", PATH=self.path_to_bare_python())
        self.assertEqual((status, path), (1, ""))
        self.assertIn("'python3' has no torch", words)

    def path_to_bare_python(self):
        script = self.folder / "bare" / "python3"
        script.parent.mkdir()
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "$@"\n')
        script.chmod(0o755)
        return f"{script.parent}:{os.environ['PATH']}"

    def test_another_version_and_a_folder_that_is_none_are_refused(self):
        status, path, words = self.fetch(LIBTORCH=str(self.libtorch("2.10.1")))
        self.assertEqual((status, path), (1, ""))
        self.assertIn("is libtorch 2.10.1; 2.11.0 is needed", words)
        lacking = self.libtorch("2.11.0", PARTS[:2], "lacking")
        status, path, words = self.fetch(LIBTORCH=str(lacking))
        self.assertEqual((status, path), (1, ""))
        self.assertIn("it lacks include/ATen/ATen.h", words)
        self.assertNotIn("Traceback", words)


if __name__ == "__main__":
    unittest.main()

"""tools/fetch.py against a package index of its own: what a failed, killed or doubled fetch leaves behind."""

import os
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from shop import Shop

PROBE = Path(__file__).resolve().parent / "probe.py"


class FetchTest(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)
        self.shop = Shop()
        self.addCleanup(self.shop.close)
        self.cache = self.folder / "loradeck"
        self.pin(self.shop.sha256)

    def pin(self, sha256):
        (self.folder / "probe.txt").write_text(f"loradeck-probe==1.0 --hash=sha256:{sha256}\n")

    def start(self, index=None):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
        environment |= {"XDG_CACHE_HOME": str(self.folder), "PIP_INDEX_URL": index or self.shop.url}
        environment |= {"PIP_CONFIG_FILE": os.devnull, "NO_PROXY": "127.0.0.1"}
        process = subprocess.Popen(
            [sys.executable, str(PROBE), str(self.folder)],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )
        self.addCleanup(lambda: (process.poll() is None and process.kill(), process.communicate()))
        return process

    def run_to_end(self, **arguments):
        process = self.start(**arguments)
        out, err = process.communicate(timeout=120)
        return process.returncode, out.strip(), err

    def left(self):
        """Everything in the cache but the locks."""
        return sorted(path.name for path in self.cache.iterdir() if path.suffix != ".lock")

    def test_it_fetches_once_and_says_what_is_coming(self):
        status, path, err = self.run_to_end()
        self.assertEqual(status, 0, err)
        self.assertIn("1 MB to download, 2 MB of disk kept", err)
        self.assertEqual(Path(path).stat().st_size, 1_500_000)
        self.assertEqual(self.run_to_end(), (0, path, ""))
        self.assertEqual(self.shop.downloads, 1)

    def test_a_wheel_with_another_hash_is_refused(self):
        self.pin("0" * 64)
        status, _, err = self.run_to_end()
        self.assertEqual(status, 1)
        self.assertIn("probe could not be fetched", err)
        self.assertEqual(self.left(), [])

    def test_without_network_it_fails_in_one_sentence_and_leaves_nothing(self):
        status, path, err = self.run_to_end(index="http://127.0.0.1:9/simple")
        self.assertEqual((status, path), (1, ""))
        self.assertIn("run the same command again", err)
        self.assertNotIn("Traceback", err)
        self.assertEqual(self.left(), [])

    def test_a_killed_download_is_not_trusted_and_the_next_one_clears_it(self):
        self.shop.go_on.clear()
        process = self.start()
        self.assertTrue(self.shop.begun.wait(60))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self.assertTrue(self.left()[0].startswith(".staged-probe-"), self.left())
        self.shop.go_on.set()
        status, path, err = self.run_to_end()
        self.assertEqual(status, 0, err)
        self.assertEqual(self.left(), [Path(path).parents[1].name])

    def test_a_terminated_download_cleans_up_after_itself(self):
        self.shop.go_on.clear()
        process = self.start()
        self.assertTrue(self.shop.begun.wait(60))
        process.terminate()
        self.shop.go_on.set()
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 128 + signal.SIGTERM)
        self.assertEqual(self.left(), [])

    def test_two_at_once_download_once(self):
        self.shop.go_on.clear()
        first = self.start()
        self.assertTrue(self.shop.begun.wait(60))
        second = self.start()
        for line in second.stderr:
            if "another ./x is fetching probe" in line:
                break
        else:
            self.fail("the second did not wait")
        self.shop.go_on.set()
        paths = [process.communicate(timeout=60)[0].strip() for process in (first, second)]
        self.assertEqual(paths[0], paths[1])
        self.assertTrue(Path(paths[0]).is_file())
        self.assertEqual(self.shop.downloads, 1)

    def test_a_truncated_file_is_noticed_and_fetched_again(self):
        _, path, _ = self.run_to_end()
        os.truncate(path, 1_000_000)
        status, again, err = self.run_to_end()
        self.assertEqual((status, again), (0, path), err)
        self.assertEqual(Path(path).stat().st_size, 1_500_000)
        self.assertEqual(self.shop.downloads, 2)


if __name__ == "__main__":
    unittest.main()

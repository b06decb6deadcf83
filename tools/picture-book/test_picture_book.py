"""`python -m unittest` in this folder: needs numpy and Pillow only."""

import random
import tempfile
import unittest
from pathlib import Path

import numpy as np
from PIL import Image

import captions
import measure
import scenes

EXPERIMENTS = Path(__file__).parents[2] / "experiments"


class Captions(unittest.TestCase):
    def test_every_caption_reads_back(self):
        for seed in range(500):
            text = scenes.sample(seed, held=seed % 2 == 0, with_character=seed % 5 == 0)
            self.assertEqual(captions.caption(captions.parse(text)), text)

    def test_a_wrong_caption_is_named(self):
        for text in ("a red elephant", "a red house on the moon", "red house", ""):
            with self.assertRaisesRegex(ValueError, "caption"):
                captions.parse(text)

    def test_held_out_and_training_captions_never_meet(self):
        rng = random.Random(1)
        held = {captions.caption(captions.sample(rng, held=True)) for _ in range(300)}
        for _ in range(3000):
            self.assertNotIn(captions.caption(captions.sample(rng)), held)


class Drawings(unittest.TestCase):
    def test_a_seed_decides_the_picture_and_styles_differ(self):
        text = "a red house beside two tall green trees under a yellow sun on the grass"
        drawn = {(style, seed): scenes.picture(text, style, seed).tobytes() for style in scenes.STYLES for seed in (1, 2)}
        self.assertEqual(len(set(drawn.values())), len(drawn))
        self.assertEqual(scenes.picture(text, "chalk", 1).tobytes(), drawn["chalk", 1])

    def test_held_out_captions_of_the_examples_are_held_out(self):
        texts = (EXPERIMENTS / "chalk-style/held-out/captions.txt").read_text().splitlines()
        self.assertEqual(len(texts), 16)
        self.assertTrue(all(captions.held_out(captions.parse(text)) for text in texts))
        trained = [path.read_text().strip() for path in (EXPERIMENTS / "chalk-style/data").glob("*.txt")]
        self.assertFalse([text for text in trained if captions.held_out(captions.parse(text))])

    def test_the_committed_targets_are_what_the_program_draws(self):
        folder = EXPERIMENTS / "chalk-style/held-out"
        for i, text in enumerate((folder / "captions.txt").read_text().splitlines()):
            stored = np.asarray(Image.open(folder / f"chalk/{i:02d}.png").convert("RGB")).astype(int)
            drawn = np.asarray(scenes.picture(text, "chalk", 12_000 + i)).astype(int)
            self.assertLess(np.abs(stored - drawn).mean(), 1.0, text)  # stored with a palette of 128 colours


class Measure(unittest.TestCase):
    def folder(self, style):
        return measure.read_folder(EXPERIMENTS / "chalk-style/held-out" / style)

    def test_targets_measured_against_themselves_are_at_no_distance(self):
        found = measure.measure(self.folder("chalk"), self.folder("flat"), self.folder("chalk"))
        self.assertEqual(found["tuned"], 0.0)
        self.assertGreater(found["base"], 2 * found["target_to_target"])

    def test_an_edge_turned_by_a_quarter_falls_into_another_bin(self):
        bars = np.zeros((32, 32, 3))
        bars[:, 16:] = 255.0
        upright, lying = measure.edge_histogram(bars), measure.edge_histogram(bars.transpose(1, 0, 2))
        self.assertAlmostEqual(upright[0], lying[0])
        self.assertNotEqual(int(upright[1:].argmax()), int(lying[1:].argmax()))

    def test_other_numbers_are_refused_by_name(self):
        with tempfile.TemporaryDirectory() as folder:
            scenes.picture("a red cat").save(Path(folder) / "07.png")
            with self.assertRaisesRegex(SystemExit, "7"):
                measure.measure(self.folder("chalk"), measure.read_folder(Path(folder)), self.folder("flat"))


if __name__ == "__main__":
    unittest.main()

"""tools/fetch.py with one tiny item in place of the real ones: probe.py PINS-FOLDER."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import fetch  # noqa: E402
import items  # noqa: E402


def unpack(wheels, folder):
    for wheel in wheels:
        items.extract(wheel, folder, lambda name: name.endswith("data.bin"))


fetch.PINS = Path(sys.argv.pop(1))
PROBE = items.Item("probe", "a test's wheel", 1, 2, "probe.txt", "loradeck_probe/data.bin", "1", unpack)
items.NAMES, items.choose = ("probe",), lambda _: PROBE

if __name__ == "__main__":
    fetch.run(["probe"])

#!/usr/bin/env python3
"""Compares the search with Optuna: judge.py PLAY [--committed | --write], where PLAY is the built example `play`.

On each function of `functions.py` the median of the best of 60 trials over 30 seeds has to be no worse than the upper
quartile of Optuna's TPE and better than the median of random search. Optuna is measured first (half a minute on two cores);
`--committed` takes the figures of `optuna.json` instead and `--write` puts the measured ones there, where the crate's
own test reads them.

Exit status: 0 every check passed, 1 a check failed.
"""

import json
import statistics
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[2] / "tests" / "judges"))

from functions import FUNCTIONS, SPACES  # noqa: E402
from verdict import Verdicts  # noqa: E402

COMMITTED = HERE / "optuna.json"
SEEDS, TRIALS = 30, 60
METHODS_OF_PEER = ("tpe", "group", "random")


def best_of_play(play, name, method, seed):
    """The best of a search that `play` leads: it says where, this says how good it is there."""
    process = subprocess.Popen([play], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    best, line = float("inf"), json.dumps({"method": method, "seed": seed, "space": SPACES[name]})
    for _ in range(TRIALS):
        process.stdin.write(f"{line}\n")
        process.stdin.flush()
        value = FUNCTIONS[name](*json.loads(process.stdout.readline()))
        best, line = min(best, value), repr(value)
    process.stdin.close()
    process.wait()
    return best


def quartiles_of_peer(name, method):
    """Optuna's quartiles; in a process of its own, which is why the peer is looked for here."""
    import peer

    values = [peer.best_of(name, method, seed, TRIALS) for seed in range(SEEDS)]
    return [round(quartile, 6) for quartile in statistics.quantiles(values, n=4, method="inclusive")]


def measure_optuna():
    import optuna

    figures = {"optuna": optuna.__version__, "seeds": SEEDS, "trials": TRIALS, "functions": {}}
    with ProcessPoolExecutor() as processes:
        measured = {
            name: {method: processes.submit(quartiles_of_peer, name, method) for method in METHODS_OF_PEER}
            for name in FUNCTIONS
        }
        for name, methods in measured.items():
            figures["functions"][name] = {method: quartiles.result() for method, quartiles in methods.items()}
            print(f"optuna {name}: {figures['functions'][name]}", flush=True)
    return figures


def judge(play, figures, verdicts):
    for name in FUNCTIONS:
        tpe, random = (
            statistics.median(best_of_play(play, name, method, seed) for seed in range(SEEDS))
            for method in ("tpe", "random")
        )
        theirs = figures["functions"][name]
        # The better of Optuna's two ways to treat parameters that exist under conditions.
        verdicts.at_most(f"optuna.{name}", tpe, min(theirs["tpe"][2], theirs["group"][2]))
        worst = min(random, theirs["random"][1])
        verdicts.check(f"random.{name}", tpe < worst, f"{tpe:.3g} (below {worst:.3g})")


def main(play, option=None):
    if option not in (None, "--committed", "--write"):
        sys.exit(__doc__)
    figures = json.loads(COMMITTED.read_text()) if option == "--committed" else measure_optuna()
    if option == "--write":
        COMMITTED.write_text(json.dumps(figures, indent=1) + "\n")
    verdicts = Verdicts()
    judge(play, figures, verdicts)
    print(f"{len(verdicts.passed)} checks passed, {len(verdicts.failed)} failed")
    return 1 if verdicts.failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

"""The five test functions of the judge, each with its space as `play` reads it. All are to be made small.

Branin, Hartmann6 and Rosenbrock as in Surjanovic and Bingham, "Virtual Library of Simulation Experiments"
(https://www.sfu.ca/~ssurjano/optimization.html). `mixed` and `conditional` are made up here in the shape of a search
over fine-tunings: learning rates on a log scale, a rank in powers, a dropout in steps, choices, and parameters that
exist only under one choice.
"""

import math

HARTMANN_A = [[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]]
HARTMANN_C = [1.0, 1.2, 3.0, 3.2]
HARTMANN_P = [
    [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
    [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
    [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650],
    [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
]


def real(low, high, log=False, step=None):
    return {"real": {"low": low, "high": high, "log": log, "step": step}}


def whole(low, high, log=False, step=1):
    return {"whole": {"low": low, "high": high, "log": log, "step": step}}


def choice(count):
    return {"choice": {"weights": [1.0] * count}}


def parameter(name, dimension, when=None):
    return {"name": name, "dimension": dimension, "when": when}


def branin(x, y):
    curve = y - 5.1 / (4 * math.pi**2) * x**2 + 5 / math.pi * x - 6
    return curve**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10


def hartmann(*x):
    return -sum(
        c * math.exp(-sum(a * (value - p) ** 2 for a, p, value in zip(row, place, x)))
        for c, row, place in zip(HARTMANN_C, HARTMANN_A, HARTMANN_P)
    )


def rosenbrock(*x):
    return sum(100 * (after - before**2) ** 2 + (before - 1) ** 2 for before, after in zip(x, x[1:]))


def mixed(learning_rate, rank, dropout, optimizer, schedule, warmup):
    """A valley along learning rate and rank; each optimizer has its own best rate, one schedule its own warm-up."""
    rate = math.log10(learning_rate) - (-3.6, -2.4, -4.4, -1.3)[int(optimizer)]
    power = math.log2(rank) - 5 + 0.8 * rate
    late = (warmup - (0.03, 0.1, 0.2)[int(schedule)]) / 0.1
    penalty = (0.0, 0.15, 0.1, 0.4)[int(optimizer)] + (0.05, 0.0, 0.2)[int(schedule)]
    return 0.8 * rate**2 + 0.06 * power**2 + 2.0 * (dropout - 0.1) ** 2 + 0.05 * late**2 + penalty


def conditional(method, rate, alpha, depth, bottleneck):
    """Three ways to adapt a model; each has parameters of its own, one rate is shared."""
    method, shared = int(method), math.log10(rate)
    if method == 0:
        return 0.3 + 0.5 * (shared + 3) ** 2 + 0.2 * (math.log2(alpha) - 5) ** 2
    if method == 1:
        return 0.1 + 0.5 * (shared + 4) ** 2 + 0.02 * (depth - 9) ** 2
    return 0.5 + 0.3 * (shared + 2) ** 2 + 3.0 * (bottleneck - 0.7) ** 2


def square(low, high, count):
    return [parameter(f"x{number}", real(low, high)) for number in range(count)]


SPACES = {
    "branin": [parameter("x0", real(-5, 10)), parameter("x1", real(0, 15))],
    "hartmann6": square(0, 1, 6),
    "rosenbrock4": square(-5, 10, 4),
    "mixed": [
        parameter("learning_rate", real(1e-6, 1.0, log=True)),
        parameter("rank", whole(1, 256, log=True)),
        parameter("dropout", real(0.0, 0.5, step=0.05)),
        parameter("optimizer", choice(4)),
        parameter("schedule", choice(3)),
        parameter("warmup", real(0.0, 0.3)),
    ],
    "conditional": [
        parameter("method", choice(3)),
        parameter("rate", real(1e-6, 1.0, log=True)),
        parameter("alpha", whole(1, 512, log=True), {"parent": 0, "values": [0]}),
        parameter("depth", whole(1, 30), {"parent": 0, "values": [1]}),
        parameter("bottleneck", real(0.0, 1.0), {"parent": 0, "values": [2]}),
    ],
}
FUNCTIONS = {
    "branin": branin, "hartmann6": hartmann, "rosenbrock4": rosenbrock, "mixed": mixed, "conditional": conditional,
}

"""Optuna's TPE and random search on the judge's functions."""

import warnings

import optuna

from functions import FUNCTIONS, SPACES

optuna.logging.set_verbosity(optuna.logging.ERROR)
warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)


def is_active(when, values):
    return when is None or values[when["parent"]] in when["values"]


def suggest(trial, name, dimension):
    (kind, given), = dimension.items()
    if kind == "real":
        return trial.suggest_float(name, given["low"], given["high"], log=given["log"], step=given["step"])
    if kind == "whole":
        return trial.suggest_int(name, given["low"], given["high"], log=given["log"], step=given["step"])
    return trial.suggest_categorical(name, list(range(len(given["weights"]))))


def objective_of(name):
    def objective(trial):
        values = []
        for parameter in SPACES[name]:
            active = is_active(parameter["when"], values)
            values.append(suggest(trial, parameter["name"], parameter["dimension"]) if active else None)
        return FUNCTIONS[name](*values)

    return objective


def sampler_of(method, seed):
    if method == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    # As it comes, but for conditional spaces: `group` is Optuna's own way to model them jointly.
    return optuna.samplers.TPESampler(seed=seed, **({"multivariate": True, "group": True} if method == "group" else {}))


def best_of(name, method, seed, trials):
    study = optuna.create_study(sampler=sampler_of(method, seed))
    study.optimize(objective_of(name), n_trials=trials)
    return study.best_value

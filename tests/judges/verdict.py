"""Checks by name: what was measured, what is allowed, and whether it passed."""

from dataclasses import dataclass, field


@dataclass
class Verdicts:
    """All checks of a run of the judges, printed as they are made."""

    failed: list[str] = field(default_factory=list)
    passed: list[str] = field(default_factory=list)
    only: set[str] = field(default_factory=set)

    def wants(self, *names):
        """Whether any of these checks is asked for; a judge may leave out others that take long."""
        return not self.only or not self.only.isdisjoint(names)

    def check(self, name, good, words):
        (self.passed if good else self.failed).append(name)
        print(f"{'pass' if good else 'FAIL'}  {name:28} {words}", flush=True)

    def at_most(self, name, value, limit):
        # A comparison with NaN is false, so a NaN fails.
        self.check(name, value <= limit, f"{value:.3g} (at most {limit:g})")

    def at_least(self, name, value, limit):
        self.check(name, value >= limit, f"{value:.3g} (at least {limit:g})")

    def equal(self, name, ours, theirs, words):
        self.check(name, ours == theirs, words if ours == theirs else f"{words}: {difference(ours, theirs)}")


def difference(ours, theirs):
    """The first place where two lists differ, or the values themselves, shortened."""
    if isinstance(ours, list) and isinstance(theirs, list):
        if len(ours) != len(theirs):
            return f"{len(ours)} and not {len(theirs)} of them"
        for number, (one, other) in enumerate(zip(ours, theirs)):
            if one != other:
                return f"number {number} is {str(one)[:200]} and not {str(other)[:200]}"
    return f"{str(ours)[:300]} and not {str(theirs)[:300]}"


def largest_relative(ours, theirs):
    """The largest |a - b| / |b| over two lists of numbers; infinite where their lengths differ."""
    if len(ours) != len(theirs):
        return float("inf")
    return largest(abs(one - other) / abs(other) for one, other in zip(ours, theirs))


def largest(values):
    """The largest of some differences; one that is NaN counts as infinite, where `max` alone would pass over it."""
    return max(float("inf") if value != value else value for value in values)

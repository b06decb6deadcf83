"""The language of the picture book: captions, their parts, and which of them are held out.

A caption names one or two groups of things, how they stand to each other, what is in the sky, and where they are:

    a red house beside two tall green trees under a yellow sun on the grass

`sample` draws a caption from a random number generator; `parse` reads one back, so that a caption alone says what
to draw. `held_out` splits the captions by the hash of their combination: no training caption shares the pair of
coloured things (and their relation) with any held-out one, whatever the counts, sizes, sky and place.
"""

import hashlib
from dataclasses import dataclass, replace
from typing import Optional

COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown")
THINGS = ("house", "tree", "car", "boat", "flower", "cat", "fish", "mushroom", "ball", "tower", "tent", "bird", "cup", "lamp")
SKY_THINGS = ("sun", "moon", "cloud", "star", "kite")
COUNTABLE_SKY = ("cloud", "star", "kite")
TALL_THINGS = ("house", "tree", "flower", "tower", "lamp")
SIZES = ("small", "big", "tall")
COUNTS = {1: "a", 2: "two", 3: "three"}
RELATIONS = ("beside", "to the left of", "to the right of", "in front of", "behind", "above", "below")
PLACES = ("on the grass", "on the sand", "in the snow", "by the water")
TIMES = ("at night", "at sunset")
CHARACTER = "charlie"
# Words that no base caption holds, but that a fine-tuning may use as its trigger: each is one token all the same.
TRIGGER_WORDS = ("chalk", "blueprint", "risograph", "style", "drawing", "picture", "of", "robot", CHARACTER)
PLURALS = {name: name + "s" for name in THINGS + SKY_THINGS} | {"fish": "fish"}
HELD_OUT_OF_256 = 16


@dataclass(frozen=True)
class Group:
    """One to three equal things. `size` is empty for a thing of ordinary size."""

    thing: str
    colour: str = ""
    count: int = 1
    size: str = ""


@dataclass(frozen=True)
class Scene:
    """What a caption says. Absent parts are `None` or empty."""

    first: Group
    relation: str = ""
    second: Optional[Group] = None
    sky: Optional[Group] = None
    place: str = ""
    time: str = ""


def words():
    """Every word that a caption can hold, sorted."""
    text = " ".join(
        COLOURS + THINGS + SKY_THINGS + SIZES + tuple(COUNTS.values()) + RELATIONS + PLACES + TIMES + TRIGGER_WORDS
        + tuple(PLURALS.values()) + ("an", "under", "one")
    )
    return sorted(set(text.split()))


def _group_text(group):
    if group.thing == CHARACTER:
        return CHARACTER
    name = group.thing if group.count == 1 else PLURALS[group.thing]
    phrase = " ".join(part for part in (group.size, group.colour, name) if part)
    article = COUNTS[group.count]
    if article == "a" and phrase[0] in "aeiou":
        article = "an"
    return f"{article} {phrase}"


def caption(scene):
    """The caption of a scene."""
    parts = [_group_text(scene.first)]
    if scene.second:
        parts += [scene.relation, _group_text(scene.second)]
    if scene.sky:
        parts += ["under", _group_text(scene.sky)]
    return " ".join(part for part in [*parts, scene.place, scene.time] if part)


def _read_group(tokens, text):
    if tokens and tokens[0] == CHARACTER:
        tokens.pop(0)
        return Group(CHARACTER)
    numbers = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3}
    singular = {plural: name for name, plural in PLURALS.items()} | {name: name for name in PLURALS}
    count = numbers.get(tokens.pop(0)) if tokens else None
    size = tokens.pop(0) if tokens and tokens[0] in SIZES else ""
    colour = tokens.pop(0) if tokens and tokens[0] in COLOURS else None
    thing = singular.get(tokens.pop(0)) if tokens else None
    if count is None or colour is None or thing is None:
        raise ValueError(f"caption {text!r}: expected 'a|two|three [size] COLOUR THING' before {' '.join(tokens)!r}")
    return Group(thing, colour, count, size)


def _take(tokens, phrases):
    for phrase in phrases:
        parts = phrase.split()
        if tokens[: len(parts)] == parts:
            del tokens[: len(parts)]
            return phrase
    return ""


def parse(text):
    """Reads a caption back into its scene; raises ValueError that names the caption."""
    tokens = text.split()
    scene = Scene(_read_group(tokens, text))
    relation = _take(tokens, RELATIONS)
    if relation:
        scene = replace(scene, relation=relation, second=_read_group(tokens, text))
    if _take(tokens, ("under",)):
        scene = replace(scene, sky=_read_group(tokens, text))
    scene = replace(scene, place=_take(tokens, PLACES), time=_take(tokens, TIMES))
    if tokens:
        raise ValueError(f"caption {text!r}: cannot read {' '.join(tokens)!r}")
    return scene


def held_out(scene):
    """Whether the scene's combination belongs to the held-out ones (1 in 16)."""
    other = scene.second or scene.sky
    key = f"{scene.first.colour} {scene.first.thing}|{scene.relation}|"
    if other:
        key += f"{other.colour} {other.thing}"
    return hashlib.sha256(key.encode()).digest()[0] < HELD_OUT_OF_256


def _sample_group(rng, single=False):
    thing = rng.choice(THINGS)
    count = 1 if single else rng.choices((1, 2, 3), (70, 18, 12))[0]
    size = ""
    if rng.random() < 0.3:
        size = rng.choice(SIZES if thing in TALL_THINGS else SIZES[:2])
    return Group(thing, rng.choice(COLOURS), count, size)


def _sample_sky(rng):
    thing = rng.choice(SKY_THINGS)
    count = rng.choice((1, 2, 3)) if thing in COUNTABLE_SKY else 1
    colour = rng.choice(COLOURS)
    if thing in ("sun", "moon") and rng.random() < 0.5:
        colour = "yellow"
    return Group(thing, colour, count)


def _sample_any(rng, with_time, with_character):
    scene = Scene(_sample_group(rng))
    if with_character:
        scene = Scene(Group(CHARACTER))
    if rng.random() < 0.7:
        # The figure stands beside other things, large enough to be learnt from few pictures.
        relation = rng.choice(RELATIONS[:3] if with_character else RELATIONS)
        stacked = relation in ("in front of", "behind", "above", "below")
        if stacked and not with_character:
            scene = replace(scene, first=replace(scene.first, count=1))
        scene = replace(scene, relation=relation, second=_sample_group(rng, single=stacked))
    if scene.relation not in ("above", "below") and rng.random() < 0.5:
        scene = replace(scene, sky=_sample_sky(rng))
    if rng.random() < 0.45:
        scene = replace(scene, place=rng.choice(PLACES))
    if with_time and rng.random() < 0.2:
        scene = replace(scene, time=rng.choice(TIMES))
    return scene


def sample(rng, held=False, with_time=True, with_character=False):
    """Draws a scene from the training combinations, or from the held-out ones."""
    while True:
        scene = _sample_any(rng, with_time, with_character)
        if held_out(scene) == held:
            return scene

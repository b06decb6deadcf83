"""Chat templates through transformers and ours: token ids and loss masks, or exit 1.

usage: chats.py PROBE MODEL-FOLDER WHAT [FOLDER-OF-TEMPLATES…], with WHAT one of ours and public

Where a template has {% generation %} tags, the mask is that of `apply_chat_template`. Where it has none, the mask is
held against what it is to be: every answer that stands in the text with the mark that ends its turn, and no word of
anybody else. Refused may be only what cannot be learnt.
"""

import collections
import json
import os
import re
import subprocess
import sys
from pathlib import Path

os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

from chat_cases import CHATS
from chat_templates import TEMPLATES
from transformers import AutoTokenizer
from transformers.utils.chat_template_utils import render_jinja_template

probe, folder, what = sys.argv[1:4]
tokenizer = AutoTokenizer.from_pretrained(folder)
SPECIAL = set(tokenizer.all_special_ids)
MARK = re.compile(r"\s*<[^<>\s]+>")


def templates():
    if what == "ours":
        return dict(TEMPLATES)
    found = {}
    for place in sys.argv[4:]:
        for path in sorted(Path(place).rglob("*.jinja")):
            found[f"{path.parent.name[:5]}/{path.stem}"] = path.read_text(encoding="utf-8")
    return found


def rendered(template, messages, prompt=False):
    texts, spans = render_jinja_template(
        conversations=[messages], chat_template=template, add_generation_prompt=prompt, return_assistant_tokens_mask=has_tags(template),
        bos_token=tokenizer.bos_token, eos_token=tokenizer.eos_token,
    )  # fmt: skip
    return texts[0]


def has_tags(template):
    return re.search(r"\{%-?\s*generation\s*-?%\}", template) is not None


def theirs(template, messages):
    """Ids, mask (None where the template has no tags) and text; the error's text where transformers takes it not."""
    try:
        text = rendered(template, messages)
        found = tokenizer.apply_chat_template(
            messages, chat_template=template, return_dict=True, return_assistant_tokens_mask=has_tags(template)
        )
    except Exception as error:  # a template may raise anything
        return f"{type(error).__name__}: {error}"
    mask = found.get("assistant_masks")
    return found["input_ids"], None if mask is None else [bool(learnt) for learnt in mask], text


def tail(content):
    """What has to be learnt of an answer, however a template writes its thinking."""
    return content.rsplit("</think>", 1)[-1].strip()


def segments(text, ids, mask):
    """The learnt stretches as places of the text's characters."""
    offsets = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
    stretches = []
    for index, learnt in enumerate(mask):
        if learnt and index and mask[index - 1]:
            stretches[-1][1] = offsets[index][1]
        elif learnt:
            stretches.append(list(offsets[index]))
    return stretches, offsets


def fault(template, messages, text, ids, mask):
    """What is wrong with a mask that no tags decide, or None."""
    stretches, offsets = segments(text, ids, mask)
    # A template may change letters; their number stays the same in these texts.
    text, messages = text.lower(), [{**message, "content": message["content"].lower()} for message in messages]
    learnt = [text[start:end] for start, end in stretches]
    answers = [message["content"] for message in messages if message["role"] == "assistant"]
    written = [answer for answer in answers if tail(answer) and tail(answer) in text]
    place = done = 0
    for answer in written:
        while place < len(learnt) and tail(answer) not in learnt[place]:
            place += 1
        if place == len(learnt):
            return f"the answer {answer!r} is not learnt: {learnt}"
        start, end = stretches[place]
        start, joined = max(start, done), False
        inside = text.index(tail(answer), start)
        behind = text[inside + len(tail(answer)) : end]
        # A token may reach over the answer's end.
        follows = text[inside + len(tail(answer)) :]
        mark = MARK.match(follows)
        ending = next((o for o, token in zip(offsets, ids) if o[0] >= inside + len(tail(answer)) and token in SPECIAL), None)
        between = text[inside + len(tail(answer)) : ending[0]] if ending else "x"
        if not between.strip():
            # Where the template leaves the message between out, the next answer may follow at once.
            joined = any(text[ending[1] : end].strip().startswith(tail(other)[:4]) for other in written if other != answer)
            done = ending[1]
            if end < done or end > done and not joined:
                return f"the turn of {answer!r} does not end with its mark: {behind!r}"
        elif mark and mark.group().rstrip() not in behind:
            return f"the turn of {answer!r} does not end with {mark.group()!r}: {behind!r}"
        elif mark and behind.strip() not in (mark.group().strip(), ""):
            return f"more than the turn of {answer!r} is learnt: {behind!r}"
        before = text[start:inside]
        # The first token may reach back into the template's words.
        first = next(o for o in offsets if o[0] >= start)
        if before.strip() and first[1] <= inside and "think" not in before and tail(answer) == answer.strip():
            number = [message["content"] for message in messages].index(answer)
            try:
                prompt = rendered(template, messages[:number], True)
            except Exception:
                prompt = None
            # Behind the generation prompt the model has to write all itself.
            if prompt is None or not text[:start].endswith(prompt[-12:]):
                return f"words before the answer {answer!r} are learnt: {before!r}"
        place += 0 if joined or len(learnt) == 1 else 1
    if len(learnt) > len([answer for answer in answers if not tail(answer) or tail(answer) in text]):
        return f"too many stretches are learnt: {learnt}"
    for message in messages:
        if message["role"] != "assistant" and any(message["content"].strip() in stretch for stretch in learnt):
            return f"the message {message['content']!r} is learnt: {learnt}"
    return None


def lost(messages, text, ids, mask):
    """The answer that stands in the text and not in what is learnt, or None."""
    stretches, _ = segments(text, ids, mask)
    learnt = " ".join(text[start:end] for start, end in stretches)
    answers = [tail(message["content"]) for message in messages if message["role"] == "assistant"]
    return next((answer for answer in answers if answer in text and answer not in learnt), None)


def explained(messages, reason, text, their_mask, ids):
    """Whether a refusal is right: nothing or not all of the answers could be learnt."""
    answers = [message["content"] for message in messages if message["role"] == "assistant"]
    if their_mask is not None:
        stretches, _ = segments(text, ids, their_mask)
        learnt = " ".join(text[start:end] for start, end in stretches)
        return not any(their_mask) or any(tail(answer) not in learnt for answer in answers)
    return any(tail(answer) not in text for answer in answers) or any(text.count(tail(a)) > 1 for a in answers if a)


def main():
    all_templates = templates()
    pairs = [(name, case) for name in all_templates for case in CHATS]
    lines = "".join(json.dumps({"template": all_templates[n], "messages": CHATS[c]}) + "\n" for n, c in pairs)
    answers = subprocess.run([probe, "chats", folder], input=lines.encode(), capture_output=True, check=True).stdout.decode()
    counts, shown = collections.Counter(), collections.Counter()
    for (name, case), line in zip(pairs, answers.rstrip("\n").split("\n"), strict=True):
        template, messages, ours = all_templates[name], CHATS[case], json.loads(line)
        found = theirs(template, messages)
        words = ""
        if isinstance(found, str):
            kind, words = ("refused by both", "") if "error" in ours else ("taken by us alone", found)
        else:
            ids, mask, text = found
            if "error" in ours:
                kind, words = "refused by us alone", ours["error"]
                if explained(messages, ours["error"], text, mask, ids):
                    kind = "refused for a reason"
            elif ours["ids"] != ids:
                kind, words = "ids differ", tokenizer.decode(ours["ids"]) + "\n    " + text
            elif mask is not None and mask != ours["mask"]:
                kind = "mask differs"
                words = f"{[text[a:b] for a, b in segments(text, ids, ours['mask'])[0]]}\n    {[text[a:b] for a, b in segments(text, ids, mask)[0]]}"
            elif mask is not None and (words := lost(messages, text, ids, mask)):
                kind = "answer taken and not learnt"
            elif mask is None and (words := fault(template, messages, text, ids, ours["mask"])):
                kind = "mask wrong"
            else:
                kind = "equal"
        counts[kind] += 1
        if kind not in ("equal", "refused by both"):
            shown[kind] += 1
            if shown[kind] <= int(os.environ.get("SHOW", "10")):
                print(f"{kind}: {name} x {case}: {words}")
    print(f"{len(all_templates)} templates x {len(CHATS)} chats: " + ", ".join(f"{n} {kind}" for kind, n in counts.most_common()))
    good = ("equal", "refused by both", "refused for a reason")
    return int(any(kind not in good for kind in counts))


if __name__ == "__main__":
    sys.exit(main())

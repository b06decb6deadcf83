"""peft: a finished run's adapter loads whole on the same base, and gives the same logits and held-out loss."""

import warnings

from events import read_scalars
from reference import encoded, held_out_loss
from scene import STEPS, reference_logits
from verdict import largest_relative


def keys_of(verdicts, model, folder):
    """Every tensor of the file is one of the model's adapters and the other way round, with equal values."""
    from peft import get_peft_model_state_dict
    from safetensors.torch import load_file

    file = load_file(folder / "adapter_model.safetensors")
    loaded = get_peft_model_state_dict(model)
    missing, unexpected = sorted(loaded.keys() - file.keys()), sorted(file.keys() - loaded.keys())
    verdicts.equal("adapter.keys", (missing, unexpected), ([], []), f"{len(file)} tensors")
    unequal = [name for name in file.keys() & loaded.keys() if not file[name].float().equal(loaded[name].float())]
    verdicts.equal("adapter.values", unequal, [], "as in the file")


def held_out(scene, verdicts, model):
    """The exported file against what the run itself measured last, with its weights still in memory.

    Logits cannot show a file that is written wrongly: both sides read it.
    """
    measured = read_scalars(scene.run / "logs").get("eval/loss", [])
    last = [value for step, value in measured if step == STEPS]
    theirs = held_out_loss(model, encoded(scene, "validation.jsonl"))
    verdicts.at_most("adapter.held-out", largest_relative(last, [theirs]), 1e-4)


def judge(scene, verdicts):
    from peft import PeftModel

    folder = scene.run / "checkpoints"
    plain = reference_logits(scene.new_base(), scene.texts)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            model = PeftModel.from_pretrained(scene.new_base(), folder).eval()
        except (RuntimeError, ValueError, KeyError) as error:
            verdicts.check("adapter.loads", False, str(error)[:300])
            return
    complaints = [str(warning.message) for warning in said if "adapter" in str(warning.message).lower()]
    verdicts.equal("adapter.loads", complaints, [], "without a complaint")
    keys_of(verdicts, model, folder)
    held_out(scene, verdicts, model)
    theirs = reference_logits(model, scene.texts)
    ours = scene.logits(scene.texts, adapter=folder)
    pairs = list(zip(ours, theirs, plain))
    verdicts.at_most("adapter.logits", max(((a - b).abs().max() / b.abs().max()).item() for a, b, _ in pairs), 1e-4)
    # An adapter that does nothing would agree with anything.
    verdicts.at_least("adapter.effect", min(((b - c).abs().max() / c.abs().max()).item() for _, b, c in pairs), 1e-2)

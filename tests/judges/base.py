"""transformers' GGUF loader: the frozen base alone gives the same logits."""

from scene import reference_logits


def judge(scene, verdicts):
    ours = scene.logits(scene.texts)
    theirs = reference_logits(scene.new_base(), scene.texts)
    worst = max(((one - other).abs().max() / other.abs().max()).item() for one, other in zip(ours, theirs))
    verdicts.at_most("base.logits", worst, 1e-4)

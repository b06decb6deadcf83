"""peft: the same initial adapter, data and order give the same held-out loss, losses and learning rates.

Token ids and the loss mask are made here from the data file with transformers' tokenizer and chat template; of the
trainer's own batches only the order of the samples is taken over.
"""

import torch
from reference import IGNORED, encoded, held_out_loss, loss_sum
from scene import LEARNING_RATE, MAX_GRAD_NORM, STEPS, WARMUP, WEIGHT_DECAY
from verdict import largest_relative


def train(model, rows, steps):
    """Losses, gradient norms and learning rates of torch's AdamW under transformers' schedule."""
    from transformers import get_cosine_schedule_with_warmup

    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = get_cosine_schedule_with_warmup(optimizer, WARMUP, STEPS)
    losses, norms, rates = [], [], []
    model.train()
    for step in steps:
        sums = [loss_sum(model, [rows[number] for number in batch["samples"]]) for batch in step["micro_batches"]]
        loss = sum(loss for loss, _ in sums) / sum(tokens for _, tokens in sums)
        loss.backward()
        norms.append(torch.nn.utils.clip_grad_norm_(trained, MAX_GRAD_NORM).item())
        losses.append(loss.item())
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
    return losses, norms, rates


def rows_of(batch):
    """The trainer's batch without its padding."""
    return [
        (ids[:length], labels[:length]) for ids, labels, length in zip(batch["ids"], batch["labels"], batch["lengths"])
    ]


def trained_tokens(batch):
    return sum(label != IGNORED for labels in batch["labels"] for label in labels[1:])


def judge(scene, verdicts):
    from peft import PeftModel

    rows, held_out = encoded(scene, "train.jsonl"), encoded(scene, "validation.jsonl")
    steps = scene.steps["steps"]
    batches = [batch for step in steps for batch in step["micro_batches"]]
    numbers = [number for batch in batches for number in batch["samples"]]
    verdicts.equal("training.steps", len(steps), STEPS, f"{STEPS} steps")
    verdicts.equal("training.order", len(set(numbers)), len(numbers), "no sample twice within the epoch")
    dumped = [row for batch in batches for row in rows_of(batch)]
    wanted = [rows[number] for number in numbers]
    # Where all micro-batches of a step count alike, a mean of their means would be right too.
    uneven = sum(len({trained_tokens(batch) for batch in step["micro_batches"]}) > 1 for step in steps)
    verdicts.at_least("training.uneven", uneven, STEPS // 2)
    verdicts.equal("training.ids", [ids for ids, _ in dumped], [ids for ids, _ in wanted], "token ids")
    verdicts.equal("training.mask", [one for _, one in dumped], [one for _, one in wanted], "answers and their ends")

    model = PeftModel.from_pretrained(scene.new_base(), scene.initial_adapter, is_trainable=True)
    before = held_out_loss(model, held_out)
    losses, norms, rates = train(model, rows, steps)
    verdicts.at_most("training.held-out", largest_relative([scene.steps["eval_loss"]], [before]), 1e-4)
    verdicts.at_most("training.losses", largest_relative([step["loss"] for step in steps], losses), 1e-4)
    verdicts.at_most("training.gradients", largest_relative([step["grad_norm"] for step in steps], norms), 1e-3)
    ours = [step["learning_rate"] for step in steps]
    verdicts.at_most("training.rates", max(abs(a - b) for a, b in zip(ours, rates)) / LEARNING_RATE, 1e-9)
    # Otherwise the losses could agree without the adapter having learnt anything.
    verdicts.at_least("training.progress", 1 - losses[-1] / losses[0], 0.1)

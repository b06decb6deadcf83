"""A data file's token ids, loss mask and losses, made with transformers alone."""

import torch
from scene import conversations

IGNORED = -100


def encode(tokenizer, talk):
    """Ids of a conversation, and labels: every answer with the token that ends it, nothing else."""
    ids = tokenizer.apply_chat_template(talk, tokenize=True)["input_ids"]
    labels = [IGNORED] * len(ids)
    for number, message in enumerate(talk):
        if message["role"] != "assistant":
            continue
        before = tokenizer.apply_chat_template(talk[:number], tokenize=True, add_generation_prompt=True)["input_ids"]
        end = ids.index(tokenizer.eos_token_id, len(before)) + 1
        labels[len(before) : end] = ids[len(before) : end]
    return ids, labels


def encoded(scene, name):
    """Every conversation of a data file, in its order."""
    return [encode(scene.tokenizer, talk) for talk in conversations(name)]


def loss_sum(model, rows):
    """The summed cross-entropy of rows `(ids, labels)`, one rectangle padded on the right, and its tokens."""
    width = max(len(ids) for ids, _ in rows)
    ids = torch.tensor([one + [0] * (width - len(one)) for one, _ in rows])
    labels = torch.tensor([one + [IGNORED] * (width - len(one)) for _, one in rows])
    attended = torch.tensor([[1] * len(one) + [0] * (width - len(one)) for one, _ in rows])
    logits = model(input_ids=ids, attention_mask=attended).logits[:, :-1].float()
    targets = labels[:, 1:].reshape(-1)
    loss = torch.nn.functional.cross_entropy(
        logits.reshape(-1, logits.shape[-1]), targets, ignore_index=IGNORED, reduction="sum"
    )
    return loss, int((targets != IGNORED).sum())


def held_out_loss(model, rows):
    """The mean over all tokens in the loss, in nats."""
    model.eval()
    with torch.no_grad():
        sums = [loss_sum(model, rows[first : first + 5]) for first in range(0, len(rows), 5)]
    return sum(loss.item() for loss, _ in sums) / sum(tokens for _, tokens in sums)

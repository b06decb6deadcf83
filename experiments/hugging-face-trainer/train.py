"""Hugging Face's Trainer on a tiny random Llama that learns to count. Nothing is downloaded."""
import torch
from transformers import HfArgumentParser, LlamaConfig, LlamaForCausalLM, Trainer, TrainingArguments

WORDS = 16


class Counting(torch.utils.data.Dataset):
    """Sequences that count up by one from a random start."""

    def __init__(self, size, seed):
        generator = torch.Generator().manual_seed(seed)
        starts = torch.randint(0, WORDS, (size, 1), generator=generator)
        self.ids = (starts + torch.arange(24)) % WORDS

    def __len__(self):
        return len(self.ids)

    def __getitem__(self, index):
        return {"input_ids": self.ids[index], "labels": self.ids[index]}


(arguments,) = HfArgumentParser(TrainingArguments).parse_args_into_dataclasses()
# What an experiment does not choose.
arguments.report_to, arguments.disable_tqdm, arguments.use_cpu = [], True, not torch.cuda.is_available()
arguments.logging_steps, arguments.save_steps, arguments.eval_steps = 1, 10, 10
arguments.eval_strategy = arguments.eval_strategy.__class__("steps")
torch.manual_seed(arguments.seed)
model = LlamaForCausalLM(LlamaConfig(
    vocab_size=WORDS, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
    num_key_value_heads=4, max_position_embeddings=64,
))
trainer = Trainer(model=model, args=arguments, train_dataset=Counting(512, 0), eval_dataset=Counting(64, 1))
trainer.train(resume_from_checkpoint=bool(arguments.resume_from_checkpoint))
trainer.save_state()

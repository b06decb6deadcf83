"""From diffusers' and transformers' names of weights to those of the original (LDM) checkpoint layout."""

RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
VAE_ATTENTION = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}
SHORTCUT = {"conv_shortcut": "nin_shortcut"}


def checkpoint(unet, vae, text):
    """All tensors of a checkpoint file. A text model of transformers 5 has no `text_model.` in its names."""
    tensors = renamed(unet, unet_places(unet), "model.diffusion_model.")
    tensors |= renamed(vae, vae_places(vae), "first_stage_model.")
    for name, tensor in tensors.items():
        # LDM's attention in the autoencoder is made of 1x1 convolutions.
        if ".attn_1." in name and tensor.dim() == 2:
            tensors[name] = tensor[:, :, None, None]
    prefix = "cond_stage_model.transformer.text_model."
    for name, tensor in text.state_dict().items():
        tensors[prefix + name.removeprefix("text_model.")] = tensor
    return {name: tensor.contiguous() for name, tensor in tensors.items()}


def renamed(model, places, prefix):
    tensors = {}
    for name, tensor in model.state_dict().items():
        # The longest place: `conv_in` stands in many others.
        place = max((place for place in places if name.startswith(place + ".")), key=len)
        there, inner = places[place]
        rest = name[len(place) + 1 :]
        for ours, theirs in inner.items():
            if rest.startswith(ours + "."):
                rest = theirs + rest[len(ours) :]
                break
        tensors[".".join(part for part in (prefix.removesuffix("."), there, rest) if part)] = tensor
    return tensors


def unet_places(unet):
    places = {
        "conv_in": ("input_blocks.0.0", {}),
        "time_embedding.linear_1": ("time_embed.0", {}),
        "time_embedding.linear_2": ("time_embed.2", {}),
        "conv_norm_out": ("out.0", {}),
        "conv_out": ("out.2", {}),
        "mid_block.resnets.0": ("middle_block.0", RESNET),
        "mid_block.attentions.0": ("middle_block.1", {}),
        "mid_block.resnets.1": ("middle_block.2", RESNET),
    }
    number = 0
    for level, block in enumerate(unet.down_blocks):
        for layer in range(len(block.resnets)):
            number += 1
            places[f"down_blocks.{level}.resnets.{layer}"] = (f"input_blocks.{number}.0", RESNET)
            places[f"down_blocks.{level}.attentions.{layer}"] = (f"input_blocks.{number}.1", {})
        if block.downsamplers:
            number += 1
            places[f"down_blocks.{level}.downsamplers.0.conv"] = (f"input_blocks.{number}.0.op", {})
    number = 0
    for level, block in enumerate(unet.up_blocks):
        for layer in range(len(block.resnets)):
            places[f"up_blocks.{level}.resnets.{layer}"] = (f"output_blocks.{number}.0", RESNET)
            places[f"up_blocks.{level}.attentions.{layer}"] = (f"output_blocks.{number}.1", {})
            number += 1
        if block.upsamplers:
            after = 2 if getattr(block, "attentions", None) else 1
            places[f"up_blocks.{level}.upsamplers.0"] = (f"output_blocks.{number - 1}.{after}", {})
    return places


def vae_places(vae):
    places = {"quant_conv": ("quant_conv", {}), "post_quant_conv": ("post_quant_conv", {})}
    for side in ("encoder", "decoder"):
        places |= {
            f"{side}.conv_in": (f"{side}.conv_in", {}),
            f"{side}.conv_norm_out": (f"{side}.norm_out", {}),
            f"{side}.conv_out": (f"{side}.conv_out", {}),
            f"{side}.mid_block.resnets.0": (f"{side}.mid.block_1", SHORTCUT),
            f"{side}.mid_block.attentions.0": (f"{side}.mid.attn_1", VAE_ATTENTION),
            f"{side}.mid_block.resnets.1": (f"{side}.mid.block_2", SHORTCUT),
        }
    last = len(vae.decoder.up_blocks) - 1
    for level, block in enumerate(vae.encoder.down_blocks):
        for layer in range(len(block.resnets)):
            there = f"encoder.down.{level}.block.{layer}"
            places[f"encoder.down_blocks.{level}.resnets.{layer}"] = (there, SHORTCUT)
        places[f"encoder.down_blocks.{level}.downsamplers.0"] = (f"encoder.down.{level}.downsample", {})
    for level, block in enumerate(vae.decoder.up_blocks):
        for layer in range(len(block.resnets)):
            there = f"decoder.up.{last - level}.block.{layer}"
            places[f"decoder.up_blocks.{level}.resnets.{layer}"] = (there, SHORTCUT)
        places[f"decoder.up_blocks.{level}.upsamplers.0"] = (f"decoder.up.{last - level}.upsample", {})
    return places

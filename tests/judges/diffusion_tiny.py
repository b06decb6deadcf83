"""Random models of Stable Diffusion's kinds, made by diffusers and transformers themselves."""

import torch

# TRAINED is what a checkpoint file in the original layout can describe: groups of 32, 8 heads, CLIP's vocabulary.
SD1, SD2, TRAINED, FULL = "sd1", "sd2", "trained", "full"

UNETS = {
    SD1: dict(
        block_out_channels=(32, 64, 96),
        down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
        attention_head_dim=4,
        cross_attention_dim=24,
        norm_num_groups=8,
    ),
    SD2: dict(
        block_out_channels=(32, 64, 96),
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D", "CrossAttnUpBlock2D"),
        layers_per_block=1,
        attention_head_dim=[2, 4, 6],
        cross_attention_dim=40,
        norm_num_groups=16,
        use_linear_projection=True,
        transformer_layers_per_block=2,
        flip_sin_to_cos=False,
        freq_shift=1,
    ),
    # Not 32 channels: a norm over groups of one takes out what the time embedding adds, and a layer without a gradient
    # is trained by rounding errors alone.
    TRAINED: dict(
        block_out_channels=(64, 64, 96),
        down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
        layers_per_block=1,
        cross_attention_dim=128,
    ),
    FULL: dict(cross_attention_dim=768),
}
VAES = {
    SD1: dict(block_out_channels=(32, 64, 64), layers_per_block=2, latent_channels=4, norm_num_groups=8),
    SD2: dict(
        block_out_channels=(16, 32),
        layers_per_block=1,
        latent_channels=3,
        norm_num_groups=4,
        mid_block_add_attention=False,
        use_quant_conv=False,
        use_post_quant_conv=False,
    ),
    TRAINED: dict(block_out_channels=(32, 64, 64), layers_per_block=1),
    FULL: dict(block_out_channels=(128, 256, 512, 512), layers_per_block=2),
}
TEXTS = {
    SD1: dict(
        vocab_size=99,
        hidden_size=32,
        intermediate_size=80,
        num_hidden_layers=3,
        num_attention_heads=4,
        max_position_embeddings=20,
        hidden_act="quick_gelu",
    ),
    SD2: dict(
        vocab_size=99,
        hidden_size=48,
        intermediate_size=96,
        num_hidden_layers=4,
        num_attention_heads=3,
        max_position_embeddings=20,
        hidden_act="gelu",
    ),
    TRAINED: dict(
        vocab_size=49408,
        hidden_size=128,
        intermediate_size=192,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=77,
        hidden_act="quick_gelu",
    ),
    FULL: dict(
        vocab_size=49408,
        hidden_size=768,
        intermediate_size=3072,
        num_hidden_layers=12,
        num_attention_heads=12,
        max_position_embeddings=77,
        hidden_act="quick_gelu",
    ),
}
SCHEDULER = dict(
    beta_start=0.00085,
    beta_end=0.012,
    beta_schedule="scaled_linear",
    clip_sample=False,
    set_alpha_to_one=False,
    steps_offset=1,
    timestep_spacing="leading",
)


def enliven(model, seed):
    """Weights under which every part shows: fresh models have norms of 1 and 0, and almost flat attention."""
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            values = torch.randn(parameter.shape, generator=draw)
            if "embedding" in name and parameter.dim() == 2 and "time" not in name:
                parameter.copy_(values)
            elif parameter.dim() > 1:
                spread = 2.0 if any(part in name for part in ("to_q", "to_k", "q_proj", "k_proj")) else 1.2
                parameter.copy_(values * spread / parameter[0].numel() ** 0.5)
            elif "norm" in name and name.endswith("weight"):
                parameter.copy_(1 + 0.3 * values)
            else:
                parameter.copy_(0.2 * values)
    return model.eval()


def louden(layer, spread):
    """Scales a last layer, whose outputs had the standard deviation `spread`, to outputs of 1.5."""
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.mul_(1.5 / spread)


def unet(which):
    from diffusers import UNet2DConditionModel

    model = enliven(UNet2DConditionModel(**UNETS[which]), 1)
    given = unet_inputs(which)
    louden(model.conv_out, unet_output(model, given).std().item())
    return model


def unet_inputs(which):
    draw = torch.Generator().manual_seed(2)
    width = UNETS[which]["cross_attention_dim"]
    # A height that halves to an odd number, so that the way up cannot just double.
    size = (2, 4, 16, 16) if which == FULL else (3, 4, 18, 12)
    return {
        "latents": torch.randn(size, generator=draw),
        "timesteps": torch.tensor([981, 7, 400][: size[0]]),
        "states": torch.randn(size[0], 77 if which == FULL else 9, width, generator=draw),
    }


def unet_output(model, given):
    with torch.no_grad():
        return model(given["latents"], given["timesteps"], given["states"]).sample


def vae(which):
    from diffusers import AutoencoderKL

    levels = len(VAES[which]["block_out_channels"])
    blocks = dict(
        down_block_types=("DownEncoderBlock2D",) * levels, up_block_types=("UpDecoderBlock2D",) * levels
    )
    model = enliven(AutoencoderKL(**VAES[which], **blocks), 3)
    given = vae_inputs(which)
    mean, _, decoded = vae_outputs(model, given)
    louden(model.quant_conv or model.encoder.conv_out, mean.std().item())
    louden(model.decoder.conv_out, decoded.std().item())
    return model


def vae_inputs(which):
    draw = torch.Generator().manual_seed(4)
    latent = VAES[which].get("latent_channels", 4)
    return {
        "pictures": torch.rand(2, 3, 32, 24, generator=draw) * 2 - 1,
        "latents": torch.randn(2, latent, 6, 8, generator=draw),
    }


def vae_outputs(model, given):
    with torch.no_grad():
        moments = model.encode(given["pictures"]).latent_dist
        return moments.mean, moments.std, model.decode(given["latents"]).sample


def text(which):
    from transformers import CLIPTextConfig, CLIPTextModel

    return enliven(CLIPTextModel(CLIPTextConfig(**TEXTS[which])), 5)


def text_inputs(which):
    draw = torch.Generator().manual_seed(6)
    config = TEXTS[which]
    size = (2, config["max_position_embeddings"])
    return {"ids": torch.randint(0, config["vocab_size"], size, generator=draw)}


def text_outputs(model, given):
    """By clip skip, from 1: that layer's states behind the last layer norm, as A1111 and sd-scripts take them."""
    inner = getattr(model, "text_model", model)
    with torch.no_grad():
        made = model(given["ids"], output_hidden_states=True)
        before = made.hidden_states[-2:0:-1]
        return [made.last_hidden_state, *(inner.final_layer_norm(state) for state in before)]

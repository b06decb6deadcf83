//! The names of a Llama's weights: Hugging Face's, and llama.cpp's for the same.

use super::LlamaShape;

/// The seven projections of a layer, by the last two parts of their names.
pub const PROJECTIONS: [&str; 7] = [
    "self_attn.q_proj",
    "self_attn.k_proj",
    "self_attn.v_proj",
    "self_attn.o_proj",
    "mlp.gate_proj",
    "mlp.up_proj",
    "mlp.down_proj",
];

/// Returns the names of all projections, layer by layer, each layer's in the order of [`PROJECTIONS`].
pub fn projection_names(shape: &LlamaShape) -> Vec<String> {
    let in_layer =
        |layer| PROJECTIONS.iter().map(move |projection| format!("model.layers.{layer}.{projection}"));
    (0..shape.layers).flat_map(in_layer).collect()
}

/// Every weight that a model of this shape has, under Hugging Face's name, with its sizes (outermost first).
pub(super) fn expected(shape: &LlamaShape) -> Vec<(String, Vec<usize>)> {
    let (queries, keys) = (shape.heads * shape.head_dim, shape.key_value_heads * shape.head_dim);
    let (hidden, inner) = (shape.hidden_size, shape.intermediate_size);
    let in_layer = [
        ("input_layernorm", vec![hidden]),
        ("self_attn.q_proj", vec![queries, hidden]),
        ("self_attn.k_proj", vec![keys, hidden]),
        ("self_attn.v_proj", vec![keys, hidden]),
        ("self_attn.o_proj", vec![hidden, queries]),
        ("post_attention_layernorm", vec![hidden]),
        ("mlp.gate_proj", vec![inner, hidden]),
        ("mlp.up_proj", vec![inner, hidden]),
        ("mlp.down_proj", vec![hidden, inner]),
    ];
    let mut all = vec![("model.embed_tokens.weight".to_owned(), vec![shape.vocabulary, hidden])];
    for layer in 0..shape.layers {
        let name = |module: &str| format!("model.layers.{layer}.{module}.weight");
        all.extend(in_layer.iter().map(|(module, sizes)| (name(module), sizes.clone())));
    }
    all.push(("model.norm.weight".to_owned(), vec![hidden]));
    if !shape.tied_embeddings {
        all.push(("lm_head.weight".to_owned(), vec![shape.vocabulary, hidden]));
    }
    all
}

/// llama.cpp's name for a Hugging Face name (llama-arch.cpp); `None` for names of no Llama weight.
pub(in crate::base_model) fn gguf_name(name: &str) -> Option<String> {
    let fixed = match name {
        "model.embed_tokens.weight" => Some("token_embd.weight"),
        "model.norm.weight" => Some("output_norm.weight"),
        "lm_head.weight" => Some("output.weight"),
        _ => None,
    };
    if let Some(fixed) = fixed {
        return Some(fixed.to_owned());
    }
    let (layer, module) = name.strip_prefix("model.layers.")?.split_once('.')?;
    let module = match module.strip_suffix(".weight")? {
        "input_layernorm" => "attn_norm",
        "self_attn.q_proj" => "attn_q",
        "self_attn.k_proj" => "attn_k",
        "self_attn.v_proj" => "attn_v",
        "self_attn.o_proj" => "attn_output",
        "post_attention_layernorm" => "ffn_norm",
        "mlp.gate_proj" => "ffn_gate",
        "mlp.up_proj" => "ffn_up",
        "mlp.down_proj" => "ffn_down",
        _ => return None,
    };
    Some(format!("blk.{layer}.{module}.weight"))
}

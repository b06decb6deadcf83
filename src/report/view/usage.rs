//! How to use the weights and how to train the run again, ready to be copied.

use loradeck_core::text::harmless;

use super::Material;

/// diffusers' name of an adapter's weights.
pub(super) const DIFFUSERS_WEIGHTS: &str = "pytorch_lora_weights.safetensors";

/// A fenced block of Python that draws a picture with diffusers.
pub(super) fn diffusers(material: &Material, prompt: &str) -> String {
    let base = material.frozen.settings.base_model.trim_end_matches('/');
    let load = if base.to_ascii_lowercase().ends_with(".safetensors") {
        "from_single_file"
    } else {
        "from_pretrained"
    };
    let folder = python(&format!("{}/checkpoints", material.inputs.output_path));
    fenced(
        "python",
        &format!(
            "from diffusers import StableDiffusionPipeline\n\
             \n\
             pipe = StableDiffusionPipeline.{load}({})\n\
             pipe.load_lora_weights({folder}, weight_name={})\n\
             pipe({}).images[0].save(\"picture.png\")",
            python(base),
            python(DIFFUSERS_WEIGHTS),
            python(prompt)
        ),
    )
}

/// A fenced block of Python that loads the adapter with PEFT; empty where there are no final weights.
pub(super) fn usage(material: &Material) -> String {
    let is_peft =
        material.inputs.weights.iter().any(|(name, _)| name.ends_with("/adapter_model.safetensors"));
    if !is_peft {
        return String::new();
    }
    let adapter = python(&format!("{}/checkpoints", material.inputs.output_path));
    let base = material.frozen.settings.base_model.trim_end_matches('/');
    let arguments = match base.rsplit_once('/') {
        Some((folder, file)) if is_gguf(file) => format!("{}, gguf_file={}", python(folder), python(file)),
        None if is_gguf(base) => format!("\".\", gguf_file={}", python(base)),
        _ => python(base),
    };
    fenced(
        "python",
        &format!(
            "from peft import PeftModel\n\
             from transformers import AutoModelForCausalLM, AutoTokenizer\n\
             \n\
             tokenizer = AutoTokenizer.from_pretrained({arguments})\n\
             base = AutoModelForCausalLM.from_pretrained({arguments})\n\
             model = PeftModel.from_pretrained(base, {adapter})"
        ),
    )
}

fn is_gguf(file: &str) -> bool {
    file.rsplit_once('.').is_some_and(|(_, extension)| extension.eq_ignore_ascii_case("gguf"))
}

/// A fenced block of commands that train the same run again.
pub(super) fn reproduce(material: &Material) -> String {
    let (inputs, provenance) = (&material.inputs, &material.frozen.provenance);
    let mut lines = Vec::new();
    if let Some(commit) = &provenance.code_commit {
        lines.push(format!("git checkout {}", shell(commit)));
        if material.has_patch {
            lines.push(format!("git apply {}", shell(&format!("{}/code.patch", inputs.output_path))));
        }
    }
    if let Some(experiment) = &inputs.experiment {
        let mut words = vec!["loradeck run".to_owned(), shell(&format!("{experiment}/{}", inputs.run))];
        words.extend(
            inputs.attempts.last().into_iter().flat_map(|last| &last.overrides).map(|text| shell(text)),
        );
        lines.push(words.join(" "));
    } else {
        let config = format!("{}/config.yaml", inputs.output_path);
        lines.push(format!("loradeck-train --config {} --overwrite", shell(&config)));
    }
    fenced("sh", &lines.join("\n"))
}

/// A string literal that Python and JSON read alike.
fn python(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A word for a POSIX shell.
fn shell(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./=+,:@%".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", harmless(text).replace('\'', "'\\''"))
}

pub(super) fn fenced(language: &str, text: &str) -> String {
    // None of the texts can hold a line of backticks, since line breaks in them are escaped or replaced.
    format!("```{language}\n{text}\n```")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_for_a_shell_stay_one_word() {
        assert_eq!(shell("a/0001-x"), "a/0001-x");
        assert_eq!(shell("a b; rm -rf 'x'"), "'a b; rm -rf '\\''x'\\'''");
        assert_eq!(shell("a\nb"), "'a b'");
        assert_eq!(python("a\"\n"), "\"a\\\"\\n\"");
    }
}

//! Where and with what a run was trained.

use super::super::markdown::{code, inline};
use super::super::words;
use super::{Fact, Material};

pub(super) fn facts(material: &Material) -> Vec<Fact> {
    let mut facts = Vec::new();
    if let Some(summary) = &material.summary {
        let used = &summary.environment;
        let texts = [("Host", &used.host), ("Device", &used.device), ("Precision", &used.precision)];
        facts.extend(
            texts
                .into_iter()
                .filter(|(_, text)| !text.is_empty())
                .map(|(name, text)| Fact::new(name, inline(text))),
        );
        if used.threads > 0 {
            facts.push(Fact::new("Threads", used.threads.to_string()));
        }
        let versions = [("Trainer", &used.trainer), ("libtorch", &used.libtorch)];
        facts.extend(
            versions
                .into_iter()
                .filter(|(_, text)| !text.is_empty())
                .map(|(name, text)| Fact::new(name, inline(text))),
        );
        facts.extend(measures(summary));
    }
    facts.extend(provenance(material));
    facts
}

fn measures(summary: &loradeck_core::run::Summary) -> Vec<Fact> {
    let mut facts = Vec::new();
    let memory =
        [("Peak memory", summary.peak_memory_bytes), ("Peak GPU memory", summary.peak_gpu_memory_bytes)];
    facts.extend(
        memory
            .iter()
            .filter(|(_, bytes)| *bytes > 0)
            .map(|(name, bytes)| Fact::new(name, words::bytes(*bytes))),
    );
    facts.push(Fact::new("Time", words::duration(summary.seconds)));
    if summary.tokens > 0 && summary.seconds > 0.0 {
        let speed = words::count((summary.tokens as f64 / summary.seconds).round() as u64);
        facts.push(Fact::new("Tokens", format!("{} ({speed} a second)", words::count(summary.tokens))));
    }
    if summary.images > 0 && summary.seconds > 0.0 {
        let speed = words::value(summary.images as f64 / summary.seconds);
        facts.push(Fact::new("Images", format!("{} ({speed} a second)", words::count(summary.images))));
    }
    if summary.skipped_steps > 0 {
        let steps = format!("{} (gradients overflowed in fp16)", words::count(summary.skipped_steps));
        facts.push(Fact::new("Steps left out", steps));
    }
    let hashes =
        [("Base model's SHA-256", &summary.base_sha256), ("Weights' SHA-256", &summary.weights_sha256)];
    facts.extend(hashes.iter().filter_map(|(name, hash)| Some(Fact::new(name, code(hash.as_deref()?)))));
    facts
}

fn provenance(material: &Material) -> Vec<Fact> {
    let provenance = &material.frozen.provenance;
    let mut facts = Vec::new();
    if let Some(commit) = &provenance.code_commit {
        let changed = match (provenance.code_changed, material.has_patch) {
            (Some(true), true) => " with the uncommitted changes of [code.patch](code.patch)",
            (Some(true), false) => " with uncommitted changes that were not kept",
            _ => "",
        };
        facts.push(Fact::new("Code", format!("{}{changed}", code(commit))));
    }
    facts.extend(provenance.source_file.as_ref().map(|file| Fact::new("Experiment file", code(file))));
    facts.extend(provenance.retry_of.as_ref().map(|run| Fact::new("Tries again", code(run))));
    facts.extend(provenance.versions.iter().map(|(name, version)| Fact::new(&inline(name), inline(version))));
    let attempts = material.inputs.attempts.len();
    if attempts > 1 {
        let hosts: Vec<String> = material
            .inputs
            .attempts
            .iter()
            .map(|attempt| format!("{} on {}", attempt.attempt, inline(&attempt.host.host)))
            .collect();
        facts.push(Fact::new("Attempts", hosts.join(", ")));
    }
    facts
}

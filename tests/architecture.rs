//! The one-way rules that the compiler does not hold: who may know whom inside the deck, one door per external crate,
//! and no libtorch anywhere near the deck.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::semicolon_if_nothing_returned)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Module of the deck → modules it may know.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("vcs", &[]),
    ("watch", &[]),
    ("store", &["watch"]),
    ("report", &["store", "vcs"]),
    ("launch", &["store", "report", "vcs"]),
    ("tui", &["store", "watch", "launch", "report", "vcs"]),
    ("cli", &[]),
    ("command", &["cli", "launch", "report", "store", "tui", "vcs", "watch"]),
];

/// External crate → the only places whose code may name it.
const DOORS: &[(&str, &[&str])] = &[
    ("clap", &["src/cli.rs", "src/main.rs", "crates/train/src/cli.rs", "crates/train/src/main.rs"]),
    ("comfy_table", &["src/report/"]),
    ("crc32c", &["crates/core/src/metrics/record.rs"]),
    ("crossterm", &["src/tui/terminal/"]),
    ("git2", &["src/vcs/"]),
    ("half", &["crates/data/src/"]),
    // The second place has a module of this name.
    ("image", &["crates/data/src/image/", "crates/core/src/config/keys/"]),
    ("jiff", &["crates/core/src/time.rs"]),
    ("memmap2", &["crates/data/src/mapped.rs"]),
    ("minijinja", &["crates/core/src/template/"]),
    ("notify", &["src/watch/", "src/watch.rs"]),
    ("nvml_wrapper", &["src/launch/gpu.rs", "crates/train/src/gpu_memory.rs"]),
    ("pulldown_cmark", &["src/tui/markdown/"]),
    ("ratatui", &["src/tui/"]),
    (
        "regex",
        &[
            "crates/core/src/metrics/source/pattern.rs",
            "crates/core/src/config/",
            "crates/data/src/lora_names/",
            "crates/data/src/lora_targets.rs",
        ],
    ),
    ("safetensors", &["crates/data/src/safetensors/", "crates/train/src/export/container.rs"]),
    ("serde_yaml", &["crates/core/src/config/"]),
    ("tch", &["crates/train/src/", "crates/train/tests/", "crates/train/examples/", "crates/train/benches/"]),
    ("tokenizers", &["crates/data/src/tokenizer/"]),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Every source file below `folder`, relative to the root, with its code (comments left out).
fn code_of(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    sources(&root().join(folder), &mut found);
    let without_comments = |text: String| {
        text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
    };
    found
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
            let code = without_comments(fs::read_to_string(&path).unwrap());
            (name, code)
        })
        .collect()
}

/// Whether `code` names the crate or module `name` as the start of a path (`name::`), not as part of another word.
fn names(code: &str, name: &str) -> bool {
    code.match_indices(&format!("{name}::")).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        !before.is_some_and(|character| character.is_alphanumeric() || character == '_' || character == ':')
    })
}

#[test]
fn modules_of_the_deck_know_only_what_they_may() {
    let mut trespasses = Vec::new();
    for (file, code) in code_of("src") {
        let module = file.trim_start_matches("src/").split(['/', '.']).next().unwrap_or_default().to_owned();
        let Some((_, allowed)) = MAY_KNOW.iter().find(|(name, _)| *name == module) else { continue };
        for (other, _) in MAY_KNOW.iter().copied() {
            let knows =
                code.contains(&format!("crate::{other}::")) || code.contains(&format!("crate::{other};"));
            if other != module && knows && !allowed.contains(&other) {
                trespasses.push(format!("{file} knows {other}"));
            }
        }
    }
    assert!(trespasses.is_empty(), "{trespasses:#?}");
}

#[test]
fn every_external_crate_has_one_door() {
    let mut trespasses = Vec::new();
    for folder in ["src", "crates"] {
        for (file, code) in code_of(folder) {
            for (name, doors) in DOORS.iter().copied() {
                if names(&code, name) && !doors.iter().any(|door| file.starts_with(door)) {
                    trespasses.push(format!("{file} names {name}, whose door is {doors:?}"));
                }
            }
        }
    }
    assert!(trespasses.is_empty(), "{trespasses:#?}");
}

/// What the engine of the trainer may not name: a model, a task, or an export format of one.
const FOREIGN_TO_THE_ENGINE: &[&str] =
    &["crate::models", "causal_lm", "diffusion", "Llama", "Unet", "export::peft", "adapter_config"];

#[test]
fn the_trainers_engine_names_no_model_and_no_task() {
    let code = code_of("crates/train/src/engine");
    assert!(code.len() > 8, "the engine has moved: {}", code.len());
    for (file, code) in code {
        for name in FOREIGN_TO_THE_ENGINE {
            assert!(!code.contains(name), "{file} names {name}");
        }
    }
}

/// File → what it may start. Text that a workspace's files name reaches a process through `launch/door.rs` alone, which
/// asks for trust first; all others start themselves, or programs whose names stand in the code.
const SPAWNERS: &[(&str, &str)] = &[
    ("src/launch/door.rs", "Command::new(program)"),
    ("src/launch/start.rs", "Command::new(own_program())"),
    ("src/launch/logout/mod.rs", "Command::new(program)"),
    ("src/launch/logout/mod.rs", "Command::new(\"loginctl\")"),
    ("src/launch/logout/killing.rs", "Command::new(\"busctl\")"),
    ("src/launch/logout/scope.rs", "Command::new(\"systemd-run\")"),
    // The name is one of Slurm's programs; sbatch, which runs a workspace's script, is called with a permit.
    ("src/launch/slurm/tools.rs", "Command::new(name)"),
    ("src/command/doctor/terminal.rs", "Command::new(\"tmux\")"),
    ("src/tui/runtime/doer.rs", "Command::new(\"tmux\")"),
];

/// Ways to start a process; the last ones are foreign functions that would.
const WAYS_TO_SPAWN: &[&str] = &["Command::new(", "execve", "execvp", "posix_spawn", "::fork("];

/// Code up to its tests, which may start what they like.
fn without_tests(code: &str) -> &str {
    code.split("#[cfg(test)]\nmod tests").next().unwrap_or_default()
}

#[test]
fn processes_are_made_in_named_places_only() {
    let mut trespasses = Vec::new();
    let mut used = Vec::new();
    for folder in ["src", "crates/core/src", "crates/data/src", "crates/search/src"] {
        for (file, code) in code_of(folder) {
            if file.contains("/tests/") || file.ends_with("_tests.rs") || file.ends_with("/tests.rs") {
                continue;
            }
            for way in WAYS_TO_SPAWN {
                for (at, _) in without_tests(&code).match_indices(way) {
                    let allowed =
                        SPAWNERS.iter().find(|(door, text)| file == *door && code[at..].starts_with(text));
                    match allowed {
                        Some(spawner) => used.push(spawner),
                        None => trespasses
                            .push(format!("{file}: {}", code[at..].lines().next().unwrap_or_default())),
                    }
                }
            }
        }
    }
    assert!(trespasses.is_empty(), "{trespasses:#?}");
    let unused: Vec<_> = SPAWNERS.iter().filter(|spawner| !used.contains(spawner)).collect();
    assert!(unused.is_empty(), "no longer there: {unused:#?}");
    // The only makers of a permit: the store's verdict, a supervisor's word, and a submission.
    for (file, code) in code_of("src") {
        let makes = without_tests(&code).contains("Permit::granted(") || code.contains("Permit { root");
        assert!(
            !makes || ["src/launch/trust/mod.rs", "src/launch/door.rs"].contains(&file.as_str()),
            "{file}"
        );
    }
}

#[test]
fn the_rules_can_say_no() {
    assert!(names("use git2::Repository;", "git2") && names("let a = git2::Oid::zero();", "git2"));
    assert!(!names("use my_git2::x; loradeck::git2::y", "git2"));
}

#[test]
fn no_libtorch_is_in_the_decks_dependency_tree() {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--package", "loradeck", "--edges", "normal,build", "--prefix", "none", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    let tree = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && tree.contains("loradeck-core"), "{output:?}");
    assert!(!tree.lines().any(|line| line.starts_with("tch ") || line.starts_with("torch-sys ")), "{tree}");
}

#[test]
fn the_decks_program_needs_no_libtorch() {
    let program = env!("CARGO_BIN_EXE_loradeck");
    let output = Command::new("readelf").args(["-d", program]).output().unwrap();
    let listed = String::from_utf8_lossy(&output.stdout);
    // Only the lines with names: an address may well read 'c10'.
    let needed: String = listed.lines().filter(|line| line.contains("NEEDED")).collect();
    assert!(needed.contains("libc.so"), "{listed}");
    for library in ["torch", "c10", "cuda"] {
        assert!(!needed.contains(library), "{needed}");
    }
}

#[test]
fn the_deck_lists_runs_where_no_libtorch_is() {
    let folder = tempfile::tempdir().unwrap();
    // Away from the checkout and its `.libtorch` link.
    let program = folder.path().join("loradeck");
    fs::copy(env!("CARGO_BIN_EXE_loradeck"), &program).unwrap();
    let run = |arguments: &[&str]| {
        Command::new(&program)
            .args(arguments)
            .current_dir(folder.path())
            .env_clear()
            .env("HOME", folder.path())
            .output()
            .unwrap()
    };
    assert!(run(&["init", "."]).status.success());
    let listed = run(&["list", "--json"]);
    assert!(listed.status.success(), "{listed:?}");
    assert_eq!(String::from_utf8_lossy(&listed.stdout).trim(), "[]");
}

#[test]
fn every_deliberate_mistake_still_applies() {
    let mut stale = Vec::new();
    for folder in ["tests/mutants", "crates/search/judge/mutants"] {
        let patches = fs::read_dir(root().join(folder)).unwrap().flatten().map(|entry| entry.path());
        for patch in patches.filter(|path| path.extension().is_some_and(|extension| extension == "patch")) {
            let mut git = Command::new("git");
            let applied = git.arg("-C").arg(root()).args(["apply", "--check"]).arg(&patch).output().unwrap();
            if !applied.status.success() {
                stale.push(format!("{}: {}", patch.display(), String::from_utf8_lossy(&applied.stderr)));
            }
        }
    }
    assert!(stale.is_empty(), "{}", stale.join("\n"));
}

//! A scan for secrets before anything is committed. It knows the shapes of common tokens and private keys, and long
//! random values behind names such as `password`. No IO.

use std::fmt;
use std::path::{Path, PathBuf};

/// What a finding looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum SecretKind {
    AwsKey,
    PrivateKey,
    HuggingFaceToken,
    GitHubToken,
    GitLabToken,
    ModelApiKey,
    SlackToken,
    GoogleKey,
    PackageToken,
    NamedSecret,
}

impl SecretKind {
    fn described(self) -> &'static str {
        match self {
            Self::AwsKey => "an AWS access key",
            Self::PrivateKey => "a private key",
            Self::HuggingFaceToken => "a Hugging Face token",
            Self::GitHubToken => "a GitHub token",
            Self::GitLabToken => "a GitLab token",
            Self::ModelApiKey => "an API key (sk-…)",
            Self::SlackToken => "a Slack token",
            Self::GoogleKey => "a Google API key",
            Self::PackageToken => "a package registry's token",
            Self::NamedSecret => "a random value named like a secret",
        }
    }
}

/// One place that looks like a secret. The value itself is never kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file.
    pub path: PathBuf,
    /// Its line, counted from 1.
    pub line: usize,
    /// What it looks like.
    pub kind: SecretKind,
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}: {}", self.path.display(), self.line, self.kind.described())
    }
}

/// Everything in a file that looks like a secret, one finding a line. Binary files (a NUL in the first 8,000 bytes, as
/// git decides) are not read.
pub fn scan(path: &Path, contents: &[u8]) -> Vec<Finding> {
    if contents.iter().take(8000).any(|byte| *byte == 0) {
        return Vec::new();
    }
    let text = String::from_utf8_lossy(contents);
    text.lines()
        .enumerate()
        .filter_map(|(index, line)| {
            let kind = kind_in(line)?;
            Some(Finding { path: path.to_path_buf(), line: index + 1, kind })
        })
        .collect()
}

fn kind_in(line: &str) -> Option<SecretKind> {
    if line.contains("-----BEGIN ") && line.contains("PRIVATE KEY") {
        return Some(SecretKind::PrivateKey);
    }
    words(line).find_map(known_shape).or_else(|| named_secret(line).then_some(SecretKind::NamedSecret))
}

/// Runs of the characters that tokens are made of.
fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|character: char| !is_token_character(character)).filter(|word| word.len() >= 16)
}

fn is_token_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '-')
}

/// A prefix, the least number of characters behind it, and what such a word is. Shapes are those that the issuers
/// document.
const SHAPES: [(&str, usize, SecretKind); 20] = [
    ("hf_", 30, SecretKind::HuggingFaceToken),
    ("ghp_", 36, SecretKind::GitHubToken),
    ("gho_", 36, SecretKind::GitHubToken),
    ("ghu_", 36, SecretKind::GitHubToken),
    ("ghs_", 36, SecretKind::GitHubToken),
    ("ghr_", 36, SecretKind::GitHubToken),
    ("github_pat_", 40, SecretKind::GitHubToken),
    ("glpat-", 20, SecretKind::GitLabToken),
    ("sk-", 20, SecretKind::ModelApiKey),
    ("xoxb-", 20, SecretKind::SlackToken),
    ("xoxa-", 20, SecretKind::SlackToken),
    ("xoxp-", 20, SecretKind::SlackToken),
    ("AIza", 35, SecretKind::GoogleKey),
    ("npm_", 36, SecretKind::PackageToken),
    ("pypi-AgE", 40, SecretKind::PackageToken),
    ("AKIA", 16, SecretKind::AwsKey),
    ("ASIA", 16, SecretKind::AwsKey),
    ("ABIA", 16, SecretKind::AwsKey),
    ("ACCA", 16, SecretKind::AwsKey),
    ("AGPA", 16, SecretKind::AwsKey),
];

fn known_shape(word: &str) -> Option<SecretKind> {
    SHAPES.iter().find_map(|(prefix, least, kind)| {
        let rest = word.strip_prefix(prefix)?;
        let fits = match kind {
            SecretKind::AwsKey => {
                rest.len() == *least && rest.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
            }
            // Words joined by dashes are no tokens: `sk-learn-version-of-the-model-2`.
            _ => rest.len() >= *least && looks_random(rest),
        };
        fits.then_some(*kind)
    })
}

const NAMES: [&str; 12] = [
    "token",
    "secret",
    "password",
    "passwd",
    "passphrase",
    "api_key",
    "apikey",
    "api-key",
    "access_key",
    "secret_key",
    "auth_token",
    "private_key",
];

/// `NAME: value` or `NAME = value` with a secret's name and a long random value.
fn named_secret(line: &str) -> bool {
    line.match_indices([':', '=']).any(|(position, _)| {
        let name = line[..position].trim_end().trim_end_matches(['"', '\'']).to_ascii_lowercase();
        NAMES.iter().any(|known| name.ends_with(known)) && is_secret_value(&line[position + 1..])
    })
}

fn is_secret_value(rest: &str) -> bool {
    let value = rest.trim_start_matches(['=', ' ', '\t']).trim_start_matches(['"', '\'']);
    let end = value.find(|c: char| !is_token_character(c) && !matches!(c, '+' | '/' | '=' | '.'));
    let (value, after) = value.split_at(end.unwrap_or(value.len()));
    let is_call_or_path = after.starts_with('(') || value.starts_with(['/', '.']);
    value.len() >= 16 && !is_call_or_path && looks_random(value)
}

/// Letters and digits mixed, with more variety than words have.
fn looks_random(text: &str) -> bool {
    let has_letter = text.bytes().any(|byte| byte.is_ascii_alphabetic());
    let has_digit = text.bytes().filter(u8::is_ascii_digit).count() >= 2;
    let longest = text.split(['-', '_', '.', '/']).map(str::len).max().unwrap_or(0);
    has_letter && has_digit && longest >= 12 && entropy(text) >= 3.2
}

/// Shannon entropy in bits per byte.
fn entropy(text: &str) -> f64 {
    let mut counts = [0u32; 256];
    for byte in text.bytes() {
        counts[usize::from(byte)] += 1;
    }
    let length = text.len() as f64;
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| f64::from(*count) / length)
        .map(|p| -p * p.log2())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn kinds(text: &str) -> Vec<(usize, SecretKind)> {
        scan(Path::new("a"), text.as_bytes())
            .into_iter()
            .map(|finding| (finding.line, finding.kind))
            .collect()
    }

    /// Written in halves, so that no scanner stumbles over this file.
    fn joined(prefix: &str, rest: &str) -> String {
        format!("{prefix}{rest}")
    }

    #[test]
    fn tokens_are_found_with_their_line() {
        let cases = [
            (joined("AKIA", "IOSFODNN7EXAMPLE"), SecretKind::AwsKey),
            (joined("hf_", "aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zAbCdE"), SecretKind::HuggingFaceToken),
            (joined("ghp_", "aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zAbCdEf1"), SecretKind::GitHubToken),
            (joined("sk-", "proj4T9aB3dE5gH7jK9mN1pQ2rS4tU6vW8"), SecretKind::ModelApiKey),
            (joined("-----BEGIN OPENSSH ", "PRIVATE KEY-----"), SecretKind::PrivateKey),
            (joined("wandb_api_key: ", "0f3b9c2d4e5a6b7c8d9e0f1a2b3c4d5e6f708192"), SecretKind::NamedSecret),
            (joined("\"password\": \"", "xK9vQ2mZ7tR4wL8p\""), SecretKind::NamedSecret),
            (joined("TOKEN=", "c2VjcmV0LXZhbHVlLTEyMzQ1Njc4OTA="), SecretKind::NamedSecret),
        ];
        for (secret, kind) in cases {
            assert_eq!(kinds(&format!("first\nsecond {secret} end\n")), [(2, kind)], "{secret}");
        }
    }

    #[test]
    fn what_runs_really_hold_is_no_secret() {
        let text = "max_token_length: 2048\neos_token: <|im_end|>\ntokens_per_second: 123456789.25\n\
            train_data_dir: ./data/task-2-token/secret-recipes\nbase_sha256: \
            b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53\n\
            \"token\": \"${HF_TOKEN}\"\nHF_TOKEN=\nthe password: correct horse battery staple\n\
            sk-learn-version-of-the-model-2\nrun 0007-lr-2e-4-rank-8: token: run_0007_lr_2e-4_rank_8\n\
            secret = read_secret_from_environment_2026()\ntokens: 12345678901234567890\n";
        assert_eq!(kinds(text), []);
    }

    #[test]
    fn a_finding_never_shows_the_value() {
        let secret = joined("hf_", "aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zAbCdE");
        let shown = scan(Path::new("config.yaml"), format!("env: {secret}").as_bytes())[0].to_string();
        assert_eq!(shown, "config.yaml:1: a Hugging Face token");
    }

    proptest! {
        #[test]
        fn any_bytes_are_scanned(contents in proptest::collection::vec(any::<u8>(), 0..400)) {
            scan(Path::new("a"), &contents);
        }

        #[test]
        fn any_line_is_scanned(line in "\\PC{0,40}(token|key)[:=]\\PC{0,60}") {
            scan(Path::new("a"), line.as_bytes());
        }

        #[test]
        fn numbers_are_no_secrets(value in any::<f64>()) {
            prop_assert_eq!(kinds(&format!("loss_token: {value}")), vec![]);
        }
    }
}

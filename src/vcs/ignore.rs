//! Which files of a workspace are committed, and the .gitignore that says the same to git.

/// What a commit of a run holds, relative to its run folder; a name that ends in `/` is a folder with all it holds.
pub const COMMITTED_IN_RUN: [&str; 9] = [
    "README.md",
    "code.patch",
    "config.yaml",
    "logs/training_curve.svg",
    "metadata.csv",
    "metrics.csv",
    "report-inputs.json",
    "samples/",
    "summary.json",
];

/// What a commit of an experiment holds, relative to its folder.
pub const COMMITTED_IN_EXPERIMENT: [&str; 5] =
    ["comparison.csv", "comparison.md", "curves/", "experiment.yaml", "samples-grid.png"];

/// The .gitignore of a workspace: in run folders everything but the committed names, and what is not for git at all.
pub fn workspace_gitignore() -> String {
    let mut lines = vec![
        "# Written by `loradeck init`. Run folders keep weights, logs and status out of git.".to_owned(),
        "/.loradeck/".to_owned(),
        // Base models: large, and named in every configuration. Data stay for the user to decide.
        "/models/".to_owned(),
        ".tmp-*".to_owned(),
        "/experiments/*/sweeps/".to_owned(),
        "/experiments/*/trash/".to_owned(),
        "/experiments/*/runs/*".to_owned(),
        "!/experiments/*/runs/*/".to_owned(),
        "/experiments/*/runs/*/*".to_owned(),
    ];
    let mut folders = Vec::new();
    for name in COMMITTED_IN_RUN {
        // Git does not look into an ignored folder, so the way to each file is opened first and closed behind it.
        if let Some((folder, _)) = name.split_once('/').filter(|(_, rest)| !rest.is_empty())
            && !folders.contains(&folder)
        {
            folders.push(folder);
            lines.push(format!("!/experiments/*/runs/*/{folder}/"));
            lines.push(format!("/experiments/*/runs/*/{folder}/*"));
        }
        lines.push(format!("!/experiments/*/runs/*/{name}"));
    }
    lines.join("\n") + "\n"
}

//! The batch script of a submission and the arguments that sbatch gets beside it.
//!
//! What says whose job it is (name, array, output) is given as arguments, which win over a script's own lines: no
//! template can lose it.

use loradeck_core::config::SlurmSettings;
use loradeck_core::run::Workspace;
use loradeck_core::template::TemplateError;
use loradeck_core::template::report::ReportTemplates;
use serde::Serialize;

use super::submission::Filed;

const NAME: &str = "slurm.sh";
const TEMPLATE: &str = include_str!("../../../templates/slurm.sh");

/// The most seconds before a time limit at which a run is told to write a checkpoint.
const LONGEST_WARNING: u64 = 120;

#[derive(Serialize)]
struct Context<'a> {
    options: Vec<String>,
    runs: Vec<Line>,
    program: &'a str,
    submission: &'a str,
}

#[derive(Serialize)]
struct Line {
    path: String,
    attempt: u32,
}

/// The script's text.
pub(crate) fn script(
    workspace: &Workspace,
    filed: &Filed,
    settings: &SlurmSettings,
    program: &str,
) -> Result<String, TemplateError> {
    let runs = filed.submission.elements.iter().map(|element| Line {
        path: filed.run(element).path().display().to_string(),
        attempt: element.attempt,
    });
    let context = Context {
        options: options(settings),
        runs: runs.collect(),
        program,
        submission: &filed.submission.id,
    };
    ReportTemplates::new(&[(NAME, TEMPLATE)], Some(&workspace.templates()))?.render(NAME, &context)
}

/// sbatch's options that the settings ask for.
fn options(settings: &SlurmSettings) -> Vec<String> {
    let memory = settings.memory_in_mebibytes().map(|mebibytes| format!("{mebibytes}M"));
    let named = [
        ("partition", settings.partition.clone()),
        ("account", settings.account.clone()),
        ("gres", settings.gres.clone()),
        ("time", settings.time.clone()),
        ("mem", memory),
    ];
    let named = named.into_iter().filter_map(|(name, value)| Some(format!("--{name}={}", value?)));
    named.chain(settings.extra.iter().cloned()).collect()
}

/// sbatch's arguments.
pub(crate) fn sbatch_arguments(filed: &Filed, settings: &SlurmSettings) -> Vec<String> {
    let submission = &filed.submission;
    let at_once = settings.array_parallelism.map(|count| format!("%{count}")).unwrap_or_default();
    let mut arguments = vec![
        "--parsable".to_owned(),
        format!("--job-name={}", submission.job_name()),
        format!("--comment={}", submission.job_name()),
        format!("--array=1-{}{at_once}", submission.elements.len()),
        // Relative to the folder in which sbatch is called: a percent sign in a path would be taken for a pattern.
        "--output=%a.log".to_owned(),
        "--open-mode=append".to_owned(),
        "--requeue".to_owned(),
    ];
    if !settings.extra.iter().any(|option| option.starts_with("--signal")) {
        arguments.push(format!("--signal=B:USR1@{}", warning(settings.time_limit())));
    }
    arguments.push("job.sh".to_owned());
    arguments
}

/// How many seconds before the time limit the supervisor is told: a quarter of a short limit.
fn warning(time_limit: Option<u64>) -> u64 {
    time_limit.map_or(LONGEST_WARNING, |limit| (limit / 4).clamp(1, LONGEST_WARNING))
}

/// The array's job number in the answer to `sbatch --parsable`: `123` or `123;cluster`.
pub(crate) fn job_of_answer(answer: &str) -> Option<u64> {
    answer.trim().lines().last()?.split(';').next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use loradeck_core::time::Moment;

    use super::super::submission::SubmittedRun;
    use super::*;

    fn filed(root: &str) -> Filed {
        let runs = ["0001-a", "0002-b"].map(|run| SubmittedRun {
            run: run.into(),
            attempt: 3,
            held: false,
            over: false,
        });
        Filed::new(Workspace::at(root).experiment("x"), runs.into(), Moment(1))
    }

    #[test]
    fn settings_become_quoted_options() {
        let settings = SlurmSettings {
            partition: Some("main".into()),
            gres: Some("gpu:1".into()),
            memory: Some("1.5 GiB".into()),
            extra: vec!["--constraint=a100&it's".into()],
            ..SlurmSettings::default()
        };
        let text = script(&Workspace::at("/w"), &filed("/w"), &settings, "/bin/loradeck").unwrap();
        let options: Vec<&str> = text.lines().filter(|line| line.starts_with("#SBATCH")).collect();
        assert_eq!(
            options,
            [
                "#SBATCH '--partition=main'",
                "#SBATCH '--gres=gpu:1'",
                "#SBATCH '--mem=1536M'",
                "#SBATCH '--constraint=a100&it'\\''s'"
            ]
        );
        assert!(text.starts_with("#!/bin/bash\n"), "{text}");
    }

    /// The shell itself reads the script, with a stand-in for the program that shows its arguments.
    #[test]
    fn a_hostile_path_stays_one_argument() {
        let root = tempfile::tempdir().unwrap();
        let show = root.path().join("show it's $(id)");
        std::fs::write(&show, "#!/bin/sh\nfor a in \"$@\"; do printf '<%s>' \"$a\"; done").unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&show, mode).unwrap();
        let filed = filed("/w $(reboot)\n`id` 'quoted' \"double\" *");
        let text =
            script(&Workspace::at(root.path()), &filed, &SlurmSettings::default(), show.to_str().unwrap())
                .unwrap();
        let output = std::process::Command::new("bash")
            .args(["-c", &text])
            .env("SLURM_ARRAY_TASK_ID", "2")
            .output()
            .unwrap();
        let shown = String::from_utf8(output.stdout).unwrap();
        let run = filed.run(&filed.submission.elements[1]);
        let expected = format!(
            "<supervise><{}><--attempt><3><--submission><{}>",
            run.path().display(),
            filed.submission.id
        );
        assert_eq!(shown, expected, "{text}");
    }

    #[test]
    fn a_workspaces_own_template_takes_its_place() {
        let root = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(root.path());
        std::fs::create_dir(workspace.templates()).unwrap();
        std::fs::write(workspace.templates().join("slurm.sh"), "own {{ submission }}").unwrap();
        let filed = filed("/w");
        let text = script(&workspace, &filed, &SlurmSettings::default(), "p").unwrap();
        assert_eq!(text, format!("own {}", filed.submission.id));
    }

    #[test]
    fn the_warning_leaves_most_of_a_short_limit() {
        assert_eq!([None, Some(60), Some(3600), Some(2)].map(warning), [120, 15, 120, 1]);
        let settings =
            SlurmSettings { array_parallelism: Some(4), time: Some("1".into()), ..SlurmSettings::default() };
        let arguments = sbatch_arguments(&filed("/w"), &settings);
        assert!(arguments.contains(&"--array=1-2%4".to_owned()));
        assert!(arguments.contains(&"--signal=B:USR1@15".to_owned()));
        let own = SlurmSettings { extra: vec!["--signal=B:USR1@300".into()], ..SlurmSettings::default() };
        assert!(
            !sbatch_arguments(&filed("/w"), &own).iter().any(|argument| argument.starts_with("--signal"))
        );
    }

    #[test]
    fn sbatchs_answer_is_the_last_line_before_a_clusters_name() {
        assert_eq!(job_of_answer("123\n"), Some(123));
        assert_eq!(job_of_answer("welcome\n123;alpha\n"), Some(123));
        assert_eq!(job_of_answer(""), None);
    }
}

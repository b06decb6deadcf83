//! The elements of our arrays as `squeue` and `sacct` list them: one call for all of them.
//!
//! Fixed fields between bars rather than `--json`: the JSON needs a plugin that many sites leave out, and its shape
//! has changed with almost every release, while these fields have been the same since arrays exist. What may hold
//! any text stands last, so that a bar in it takes nothing apart. Times are asked for as seconds
//! (`SLURM_TIME_FORMAT=%s`).

use loradeck_core::time::Moment;

use super::job_state::JobState;

/// One element of an array job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Element {
    /// The array's job number.
    pub(crate) array: u64,
    /// The element's index in the array.
    pub(crate) index: u32,
    /// Where it stands.
    pub(crate) state: JobState,
    /// Slurm's word for it.
    pub(crate) word: String,
    /// When it started; of a waiting one when Slurm expects it to.
    pub(crate) start: Option<Moment>,
    /// Its nodes.
    pub(crate) nodes: String,
    /// The job's name, which holds the submission's id.
    pub(crate) name: String,
    /// Why it waits, or how it ended.
    pub(crate) reason: String,
}

impl Element {
    /// The element as Slurm's other programs want it named.
    pub(crate) fn id(&self) -> String {
        format!("{}_{}", self.array, self.index)
    }

    /// Whether it waits because somebody holds it.
    pub(crate) fn is_held(&self) -> bool {
        self.state == JobState::Waits && self.reason.starts_with("JobHeld")
    }
}

const SQUEUE_FORMAT: &str = "%F|%K|%A|%T|%S|%N|%j|%r";
const SACCT_FORMAT: &str = "JobID,JobIDRaw,State,ExitCode,Start,End,NodeList,JobName";

/// The arguments that make squeue list the jobs of these names, ended ones too as long as it knows them.
pub(crate) fn squeue_arguments(names: &[String]) -> Vec<String> {
    vec![
        "--noheader".to_owned(),
        "--array".to_owned(),
        "--states=all".to_owned(),
        format!("--format={SQUEUE_FORMAT}"),
        format!("--name={}", names.join(",")),
    ]
}

/// The arguments that make sacct list the jobs of these names, submitted since `since`.
pub(crate) fn sacct_arguments(names: &[String], since: Moment) -> Vec<String> {
    // sacct wants local time without a zone; a day earlier is early enough anywhere.
    let day = Moment(since.0 - 86_400_000).to_rfc3339();
    vec![
        "--noheader".to_owned(),
        "--parsable2".to_owned(),
        "--allocations".to_owned(),
        format!("--format={SACCT_FORMAT}"),
        format!("--name={}", names.join(",")),
        format!("--starttime={}", day.get(..10).unwrap_or("1970-01-01")),
    ]
}

/// Reads squeue's list; lines that are no element of an array are passed over.
pub(crate) fn parse_squeue(text: &str) -> Vec<Element> {
    text.lines().filter_map(squeue_line).collect()
}

fn squeue_line(line: &str) -> Option<Element> {
    let mut fields = line.splitn(8, '|').map(str::trim);
    let mut next = || fields.next();
    let (array, index, _, word) = (next()?, next()?, next()?, next()?);
    let (start, nodes, name, reason) = (next()?, next()?, next()?, next()?);
    Some(Element {
        array: array.parse().ok()?,
        index: index.parse().ok()?,
        state: JobState::of_word(word),
        word: word.to_owned(),
        start: seconds(start),
        nodes: nodes.to_owned(),
        name: name.to_owned(),
        reason: reason.to_owned(),
    })
}

/// Reads sacct's list, in which waiting elements stand together (`7_[3-9]`) and are passed over: squeue has those.
pub(crate) fn parse_sacct(text: &str) -> Vec<Element> {
    text.lines().filter_map(sacct_line).collect()
}

fn sacct_line(line: &str) -> Option<Element> {
    let mut fields = line.splitn(8, '|').map(str::trim);
    let mut next = || fields.next();
    let (id, _, word, exit) = (next()?, next()?, next()?, next()?);
    let (start, _, nodes, name) = (next()?, next()?, next()?, next()?);
    let (array, index) = id.split_once('_')?;
    Some(Element {
        array: array.parse().ok()?,
        index: index.parse().ok()?,
        state: JobState::of_word(word),
        word: word.to_owned(),
        start: seconds(start),
        nodes: nodes.to_owned(),
        name: name.to_owned(),
        reason: if exit == "0:0" { String::new() } else { format!("exit {exit}") },
    })
}

fn seconds(text: &str) -> Option<Moment> {
    let seconds: i64 = text.parse().ok().filter(|seconds| *seconds > 0)?;
    seconds.checked_mul(1000).map(Moment)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::job_state::Ending;
    use super::*;

    const SQUEUE: &str = include_str!("recorded/squeue-22.05.8.txt");
    const SACCT: &str = include_str!("recorded/sacct-22.05.8.txt");

    fn of(elements: &[Element], id: &str) -> Element {
        elements.iter().find(|element| element.id() == id).cloned().unwrap()
    }

    #[test]
    fn squeues_own_words_are_understood() {
        let elements = parse_squeue(SQUEUE);
        assert_eq!(elements.len(), SQUEUE.lines().count() - 1, "all but the job that is no array");
        assert_eq!(of(&elements, "1_6").state, JobState::Over(Ending::Cancelled));
        assert_eq!(of(&elements, "1_5").state, JobState::Over(Ending::TimedOut));
        assert_eq!(of(&elements, "14_1").state, JobState::Over(Ending::NodeFailed));
        let again = of(&elements, "1_4");
        assert_eq!((again.state, again.reason.as_str()), (JobState::Waits, "BeginTime"));
        assert_eq!(again.start, Some(Moment(1_795_659_912_000)));
        assert!(of(&elements, "12_1").is_held() && !again.is_held());
        assert_eq!(of(&elements, "11_1").start, None);
        let running = of(&elements, "1_7");
        assert_eq!((running.state, running.nodes.as_str()), (JobState::AtWork, "vm"));
    }

    #[test]
    fn saccts_own_words_are_understood() {
        let elements = parse_sacct(SACCT);
        assert_eq!(of(&elements, "1_6").state, JobState::Over(Ending::Cancelled));
        assert_eq!(of(&elements, "1_2").reason, "exit 3:0");
        assert_eq!(of(&elements, "1_4").state, JobState::Waits);
        assert_eq!(of(&elements, "1_7").state, JobState::AtWork);
        assert_eq!(parse_sacct("7_[3-9%2]|7|PENDING|0:0|Unknown|Unknown|None assigned|n\n"), []);
    }

    #[test]
    fn both_programs_agree_on_what_is_over() {
        let (queue, accounts) = (parse_squeue(SQUEUE), parse_sacct(SACCT));
        for element in queue.iter().filter(|element| matches!(element.state, JobState::Over(_))) {
            let same = accounts.iter().find(|other| other.id() == element.id());
            assert!(same.is_none_or(|other| other.state == element.state), "{element:?} {same:?}");
        }
    }

    proptest! {
        #[test]
        fn any_reason_keeps_the_other_fields(reason in "[^\n\r]{0,40}", index in 0u32..2000, array: u32) {
            let line = format!("{array}|{index}|5|PENDING|N/A||loradeck-0123|{reason}");
            let elements = parse_squeue(&line);
            prop_assert_eq!(elements.len(), 1);
            prop_assert_eq!((elements[0].array, elements[0].index), (u64::from(array), index));
            prop_assert_eq!(elements[0].reason.as_str(), reason.trim());
        }

        #[test]
        fn no_text_breaks_a_parser(text in "([0-9]{1,3}[|_])?[ -~]{0,30}\n?|\\PC{0,60}|([0-9a-zA-Z/ ]{0,5}\\|){0,9}") {
            for element in parse_squeue(&text).iter().chain(&parse_sacct(&text)) {
                prop_assert!(!element.id().is_empty());
            }
        }
    }
}

//! What was reported to the user. Errors stay until they have been looked at.

use loradeck_core::time::Moment;

/// Reports kept.
const KEPT: usize = 500;
/// How long a report stays at the bottom, in milliseconds.
const SHOWN_MS: i64 = 8000;

/// One report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// When.
    pub time: Moment,
    /// Whether something went wrong.
    pub error: bool,
    /// What.
    pub text: String,
    /// How often in a row.
    pub times: usize,
}

/// All reports.
#[derive(Clone, Debug, Default)]
pub struct Reports {
    all: Vec<Report>,
    unseen_errors: usize,
    dismissed: bool,
}

impl Reports {
    /// Adds a report; the same one again is counted.
    pub fn add(&mut self, time: Moment, error: bool, text: impl Into<String>) {
        let text = text.into();
        self.dismissed = false;
        self.unseen_errors += usize::from(error);
        if let Some(last) = self.all.last_mut().filter(|last| last.text == text && last.error == error) {
            last.times += 1;
            last.time = time;
            return;
        }
        if self.all.len() >= KEPT {
            self.all.remove(0);
        }
        self.all.push(Report { time, error, text, times: 1 });
    }

    /// The newest first.
    pub fn newest(&self) -> impl Iterator<Item = &Report> {
        self.all.iter().rev()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The one to show at the bottom now.
    pub fn current(&self, now: Moment) -> Option<&Report> {
        let last = self.all.last().filter(|_| !self.dismissed)?;
        (last.error || now.0 - last.time.0 < SHOWN_MS).then_some(last)
    }

    /// When the one at the bottom goes away by itself.
    pub fn until(&self) -> Option<Moment> {
        let last = self.all.last().filter(|last| !self.dismissed && !last.error)?;
        Some(Moment(last.time.0 + SHOWN_MS))
    }

    /// A key was pressed: the bottom is free for hints again.
    pub fn dismiss(&mut self) {
        self.dismissed = true;
    }

    /// Errors that nobody has looked at.
    pub fn unseen_errors(&self) -> usize {
        self.unseen_errors
    }

    /// All were looked at.
    pub fn look(&mut self) {
        self.unseen_errors = 0;
        self.dismissed = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_stay_until_they_are_looked_at() {
        let mut reports = Reports::default();
        reports.add(Moment(0), false, "fine");
        assert_eq!(reports.current(Moment(SHOWN_MS - 1)).map(|report| report.text.as_str()), Some("fine"));
        assert!(reports.current(Moment(SHOWN_MS)).is_none());
        reports.add(Moment(1), true, "broken");
        reports.add(Moment(2), true, "broken");
        assert_eq!(reports.current(Moment(1_000_000)).map(|report| report.times), Some(2));
        reports.dismiss();
        assert!(reports.current(Moment(3)).is_none());
        assert_eq!(reports.unseen_errors(), 2);
        reports.look();
        assert_eq!((reports.unseen_errors(), reports.len()), (0, 2));
    }
}

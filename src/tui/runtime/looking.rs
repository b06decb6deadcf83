//! The thread that asks GPU drivers about slots: where one is slow, reasons of waiting come later, and nothing else.

use std::sync::mpsc::{Sender, channel};

use loradeck_core::run::Workspace;

use super::reading::Ask;
use super::{Wake, spawn};
use crate::tui::feed::{Looker, Question};

/// The thread, from outside.
pub(super) struct Looking {
    questions: Sender<Question>,
}

impl Looking {
    /// Starts it; answers go to the reading thread. It ends with the dashboard, wherever it is.
    pub(super) fn start(workspaces: &[Workspace], reading: Sender<Ask>, wake: Sender<Wake>) -> Self {
        let (questions, incoming) = channel::<Question>();
        let mut looker = Looker::new(workspaces.to_vec());
        spawn(wake, move |_| {
            for question in incoming {
                if reading.send(Ask::Looked(looker.look(&question))).is_err() {
                    return;
                }
            }
        });
        Self { questions }
    }

    /// Asks.
    pub(super) fn ask(&self, question: Question) {
        let _ = self.questions.send(question);
    }
}

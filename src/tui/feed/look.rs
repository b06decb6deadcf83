//! Looking at slots and at why runs wait. It asks GPU drivers, which may be slow or hang: it is done apart from all
//! other reading, and whoever asks does not wait for the answer.

use std::collections::HashMap;

use loradeck_core::run::{RunFolder, Workspace};

use crate::launch::dispatch::WaitingReader;
use crate::launch::{Slot, SlotSettings, Waiting, detect_slots};

/// What is to be looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Question {
    /// Workspaces whose slots are to be found, and what decides about them.
    pub slots: Vec<(usize, SlotSettings)>,
    /// Workspaces of which it is asked why runs wait.
    pub waiting: Vec<usize>,
}

impl Question {
    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty() && self.waiting.is_empty()
    }
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    pub(super) slots: Vec<(usize, Vec<Slot>)>,
    pub(super) waiting: Vec<(usize, Vec<(RunFolder, Waiting)>)>,
}

/// Looks.
#[derive(Debug, Default)]
pub struct Looker {
    workspaces: Vec<Workspace>,
    readers: HashMap<usize, WaitingReader>,
}

impl Looker {
    /// One for these workspaces.
    pub fn new(workspaces: Vec<Workspace>) -> Self {
        Self { workspaces, readers: HashMap::new() }
    }

    /// Answers a question; takes as long as the driver does.
    pub fn look(&mut self, question: &Question) -> Answer {
        let slots = question.slots.iter().map(|(index, settings)| (*index, detect_slots(settings)));
        let slots = slots.collect();
        let mut waiting = Vec::new();
        for index in &question.waiting {
            let Some(workspace) = self.workspaces.get(*index) else { continue };
            let reader = self.readers.entry(*index).or_default();
            waiting.push((*index, reader.read(workspace).unwrap_or_default()));
        }
        Answer { slots, waiting }
    }
}

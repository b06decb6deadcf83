//! What the state asks for outside.

use std::path::PathBuf;

use super::doer::Job;
use super::reading::Ask;
use super::{Dashboard, End, clipboard};
use crate::tui::message::Effect;
use crate::tui::state::DocumentOf;
use crate::tui::terminal::mouse_mode;

impl Dashboard {
    /// Has it done.
    pub(super) fn effect(&mut self, effect: Effect) {
        match effect {
            Effect::Quit => self.end = Some(End::Quit),
            Effect::Suspend => self.suspend(),
            Effect::Redraw => self.redraw(),
            Effect::Mouse(on) => self.write(mouse_mode(on)),
            Effect::Watch(interest) => self.reading.ask(Ask::Watch(interest)),
            Effect::OlderLog => self.reading.ask(Ask::OlderLog),
            Effect::ReadDetails(id) => {
                if let Some(run) = self.app.runs.get(id) {
                    self.doer.give(Job::Story(id, run.folder.clone()));
                }
            }
            Effect::ReadDocument(of) => {
                if let Some(path) = self.document_path(&of) {
                    self.doer.give(Job::Document(of, path));
                }
            }
            Effect::ReadPictures(ids) => {
                let known = |id: &crate::store::RunId| Some((*id, self.app.runs.get(*id)?.folder.clone()));
                self.doer.give(Job::Pictures(ids.iter().filter_map(known).collect()));
            }
            Effect::Draw(wishes) => self.drawing.ask(wishes),
            Effect::Do(deed, runs) => {
                for run in runs.into_iter().filter_map(|id| self.app.runs.get(id)) {
                    let Some(workspace) = self.workspaces.get(run.workspace) else { continue };
                    self.pending.give(format!("{} {}", deed.verb(), run.folder.label()));
                    self.doer.give(Job::Do(
                        deed,
                        workspace.clone(),
                        run.folder.clone(),
                        Box::new(run.queue.clone()),
                    ));
                }
            }
            Effect::PauseQueue(index, paused) => {
                let Some(workspace) = self.workspaces.get(index) else { return };
                let what = if paused { "Pause the queue" } else { "Resume the queue" };
                self.pending.give(what.to_owned());
                self.doer.give(Job::PauseQueue(what, workspace.clone(), paused));
            }
            Effect::PauseSweep(sweep, paused) => {
                let Some(workspace) = self.workspaces.get(sweep.workspace) else { return };
                let what = if paused { "Pause the sweep" } else { "Resume the sweep" };
                let what = format!("{what} {}", sweep.label());
                self.pending.give(what.clone());
                self.doer.give(Job::PauseSweep(what, workspace.clone(), sweep, paused));
            }
            Effect::Copy(text) => {
                self.write(clipboard::sequence(&text));
                self.doer.give(Job::CopyInTmux(text));
            }
        }
    }

    fn document_path(&self, of: &DocumentOf) -> Option<PathBuf> {
        match of {
            DocumentOf::Report(id) => self.app.runs.get(*id).map(|run| run.folder.report()),
            DocumentOf::Comparison { workspace, experiment } => {
                self.workspaces.get(*workspace).map(|found| found.experiment(experiment).comparison())
            }
        }
    }
}

//! The reading thread: collects what changed and hands it over when it is asked.

use std::sync::mpsc::{Receiver, Sender, channel};

use loradeck_core::run::Workspace;

use super::looking::Looking;
use super::{Wake, spawn};
use crate::tui::feed::{Answer, Feed};
use crate::tui::message::{Batch, Interest, Msg};
use crate::watch::{self, Change, Watcher};

/// What the reading thread hears.
pub(super) enum Ask {
    /// Files changed.
    Changed(Vec<Change>),
    /// Something is to be told to the user.
    Notice(String),
    /// Hand over what is new.
    News,
    /// Follow other files.
    Watch(Interest),
    /// Older lines of the shown log.
    OlderLog,
    /// Slots and reasons of waiting were looked at.
    Looked(Answer),
}

/// The thread, from outside.
pub(super) struct Reading {
    asks: Sender<Ask>,
}

impl Reading {
    /// Starts it.
    pub(super) fn start(workspaces: &[Workspace], wake: Sender<Wake>) -> Self {
        let (asks, incoming) = channel();
        let own = asks.clone();
        let workspaces = workspaces.to_vec();
        spawn(wake, move |wake| read(&workspaces, own, &incoming, wake));
        Self { asks }
    }

    /// Asks for something.
    pub(super) fn ask(&self, ask: Ask) {
        let _ = self.asks.send(ask);
    }
}

fn read(workspaces: &[Workspace], own: Sender<Ask>, asks: &Receiver<Ask>, wake: &Sender<Wake>) {
    let looking = Looking::start(workspaces, own.clone(), wake.clone());
    let watcher = Watcher::start(workspaces, move |message| {
        let ask = match message {
            watch::Message::Changes(changes) => Ask::Changed(changes),
            watch::Message::Notice(text) => Ask::Notice(text),
        };
        own.send(ask).is_ok()
    });
    let mut feed = Feed::new(workspaces.to_vec());
    let mut changes = vec![Change::Everything];
    let mut followed = None;
    let mut announced = true;
    for ask in asks {
        let batch = match ask {
            Ask::Changed(more) => {
                changes.extend(more);
                if changes.len() > 10_000 {
                    changes = vec![Change::Everything];
                }
                if !std::mem::replace(&mut announced, true) && wake.send(Wake::News).is_err() {
                    return;
                }
                continue;
            }
            Ask::Looked(answer) => {
                feed.take_answer(answer);
                if !std::mem::replace(&mut announced, true) && wake.send(Wake::News).is_err() {
                    return;
                }
                continue;
            }
            Ask::Notice(text) => {
                if wake.send(Wake::Msg(Box::new(Msg::Note(Ok(text))))).is_err() {
                    return;
                }
                continue;
            }
            Ask::Watch(interest) => {
                feed.set_interest(interest);
                announced = true;
                if wake.send(Wake::News).is_err() {
                    return;
                }
                continue;
            }
            Ask::News => {
                announced = false;
                feed.collect(&std::mem::take(&mut changes))
            }
            Ask::OlderLog => feed.older_log(),
        };
        let now_followed = feed.followed();
        if followed.as_ref() != Some(&now_followed) {
            watcher.follow(now_followed.clone());
            followed = Some(now_followed);
        }
        if let Some(question) = feed.question() {
            looking.ask(question);
        }
        if send(wake, batch).is_err() {
            return;
        }
    }
}

fn send(wake: &Sender<Wake>, batch: Batch) -> Result<(), ()> {
    wake.send(Wake::Batch(Box::new(batch))).map_err(drop)
}

//! Workspace trust: whether what a workspace's files name (commands, hooks, a trainer, batch scripts) may be started.
//!
//! The decision is [`decide`], a pure function over what was recorded, what the folders are now, and who asks. The
//! record lies outside the workspace ([`TrustStore`]): nobody who hands a workspace over can hand its trust over too.

mod decide;
mod facts;
mod record;
mod store;

pub use decide::{Distrust, decide, others_may_add, own_group_may_add};
pub use facts::{Identity, Seen, SeenFolder, own_user, see};
pub use record::{Accepted, TrustRecord};
pub use store::{TrustError, TrustStore};

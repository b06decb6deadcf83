//! Whether what the workspace's files name may be started here.

use loradeck_core::run::Workspace;
use loradeck_core::trust::{own_group_may_add, see};

use super::finding::Finding;
use crate::launch::{permit, trust_command};

pub(super) fn examine(workspace: &Workspace) -> Finding {
    if let Err(refusal) = permit(workspace) {
        let found = format!("not trusted: no program that its files name is started ({})", refusal.why);
        let advice = format!("`{}` shows what that would be, and asks", trust_command(workspace.root()));
        return Finding::advice("trust", found).with(advice);
    }
    let finding =
        Finding::good("trust", "this workspace is trusted: the programs that its files name run as you");
    let seen = see(workspace).ok();
    match seen.as_ref().and_then(own_group_may_add) {
        Some(folder) => finding
            .with(format!("its group may write into {} too, and so change what is started", folder.name)),
        None => finding,
    }
}

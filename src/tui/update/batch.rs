//! News from the disk.

use crate::tui::app::App;
use crate::tui::message::Batch;

/// Takes a batch up.
pub(super) fn take_batch(app: &mut App, mut batch: Batch) {
    let listed = !batch.runs.is_empty() || batch.order.is_some();
    let log = batch.log.take();
    for problem in std::mem::take(&mut batch.problems) {
        app.reports.add(app.now, true, problem);
    }
    app.loading = batch.more;
    batch.metrics.retain(|(id, _)| app.interest.metrics.contains(id));
    app.runs.apply(&mut batch);
    if listed {
        let known: std::collections::HashSet<_> = app.runs.iter().map(|run| run.id).collect();
        app.marked.retain(|id| known.contains(id));
        relist(app);
    }
    if let Some(log) = log {
        app.log.apply(log);
    }
}

/// Builds the list anew.
pub(super) fn relist(app: &mut App) {
    let metric = app.metric();
    app.list.rebuild(&app.runs, &metric);
    app.table_stale = true;
}

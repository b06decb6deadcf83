//! The terminal that the dashboard would draw on, and tmux around it.

use std::env;
use std::process::{Command, Stdio};

use super::finding::Finding;

pub(super) fn examine() -> Vec<Finding> {
    let mut findings = vec![terminal()];
    if env::var_os("TMUX").is_some() {
        findings.push(judged_tmux(
            tmux_option("escape-time").as_deref(),
            tmux_option("default-terminal").as_deref(),
        ));
    }
    findings
}

fn terminal() -> Finding {
    let variable = |name: &str| env::var(name).unwrap_or_default();
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok().map(|size| (size.ws_col, size.ws_row));
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].map(variable).into_iter().find(|text| !text.is_empty());
    judged_terminal(size, &variable("TERM"), &variable("COLORTERM"), &locale.unwrap_or_default())
}

fn judged_terminal(size: Option<(u16, u16)>, term: &str, colours: &str, locale: &str) -> Finding {
    let topic = "terminal";
    let Some((width, height)) = size else {
        return Finding::good(topic, "standard output is not a terminal; progress comes as lines");
    };
    let depth =
        if ["truecolor", "24bit"].contains(&colours) { "16 million colours" } else { "256 colours or fewer" };
    let found = format!("{term}, {width}×{height}, {depth}");
    if term.is_empty() || term == "dumb" {
        return Finding::bad(topic, found).with(
            "the dashboard needs a terminal that moves its cursor; `loradeck watch --plain` needs none",
        );
    }
    let folded = locale.to_lowercase();
    if !folded.contains("utf-8") && !folded.contains("utf8") {
        return Finding::advice(topic, format!("{found}, no UTF-8")).with("export LC_ALL=C.UTF-8");
    }
    if width < 80 || height < 24 {
        return Finding::advice(topic, found).with("the dashboard is readable from 80×24 on");
    }
    Finding::good(topic, found)
}

fn tmux_option(name: &str) -> Option<String> {
    let output =
        Command::new("tmux").args(["show-options", "-gsv", name]).stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}

fn judged_tmux(escape_time: Option<&str>, terminal: Option<&str>) -> Finding {
    let waits = escape_time.and_then(|text| text.parse::<u32>().ok()).is_some_and(|time| time > 50);
    let is_poor = terminal.is_some_and(|name| name == "screen");
    let found = format!(
        "tmux: escape-time {}, default-terminal {}",
        escape_time.unwrap_or("unknown"),
        terminal.unwrap_or("unknown")
    );
    let mut finding =
        if waits || is_poor { Finding::advice("tmux", found) } else { Finding::good("tmux", found) };
    if waits {
        finding = finding.with("Esc waits that long; into ~/.tmux.conf: set -sg escape-time 10");
    }
    if is_poor {
        finding = finding.with("for all colours, into ~/.tmux.conf: set -g default-terminal tmux-256color");
    }
    finding
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::doctor::finding::Verdict;

    #[test]
    fn terminals_are_judged_by_what_the_dashboard_needs() {
        let verdict = |size, term, locale| judged_terminal(size, term, "", locale).verdict;
        assert_eq!(verdict(Some((120, 40)), "xterm-256color", "en_GB.UTF-8"), Verdict::Good);
        assert_eq!(verdict(Some((79, 40)), "xterm-256color", "C.utf8"), Verdict::Advice);
        assert_eq!(verdict(Some((120, 40)), "xterm-256color", "C"), Verdict::Advice);
        assert_eq!(verdict(Some((120, 40)), "dumb", "C.UTF-8"), Verdict::Bad);
        assert_eq!(verdict(None, "", ""), Verdict::Good);
    }

    #[test]
    fn tmux_gets_the_lines_that_it_lacks() {
        assert_eq!(judged_tmux(Some("500"), Some("screen")).advice.len(), 2);
        assert_eq!(judged_tmux(Some("10"), Some("tmux-256color")).verdict, Verdict::Good);
        assert_eq!(judged_tmux(None, None).verdict, Verdict::Good);
    }
}

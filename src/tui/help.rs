//! Searching the key table and the metrics.

use super::keys::{Binding, Context, Keymap};

/// A line of the help.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// What it is about.
    pub binding: &'a Binding,
    /// Whether the key works where the user is.
    pub here: bool,
}

/// The bindings that hold every word of `typed`: those of the contexts at hand first, then the others.
pub fn entries<'a>(keymap: &'a Keymap, contexts: &'a [Context], typed: &str) -> Vec<Entry<'a>> {
    let here = keymap.bindings_in(contexts).map(|binding| Entry { binding, here: true });
    let elsewhere = keymap
        .all()
        .iter()
        .filter(|binding| !contexts.contains(&binding.context))
        .map(|binding| Entry { binding, here: false });
    here.chain(elsewhere)
        .filter(|entry| {
            let binding = entry.binding;
            let (keys, place, name) = (binding.key_names(), binding.context.name(), binding.full_name());
            let text = format!("{keys} {} {} {place} {name}", binding.hint, binding.help);
            holds_all(&text, typed)
        })
        .collect()
}

/// The texts that hold every word of `typed`.
pub fn matching<'a>(texts: &'a [String], typed: &str) -> Vec<&'a String> {
    texts.iter().filter(|text| holds_all(text, typed)).collect()
}

fn holds_all(text: &str, typed: &str) -> bool {
    let text = text.to_lowercase();
    typed.to_lowercase().split_whitespace().all(|word| text.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::action::Action;

    #[test]
    fn words_narrow_the_help_and_the_place_at_hand_comes_first() {
        let contexts = [Context::Log, Context::Global];
        let keymap = Keymap::default();
        let all = entries(&keymap, &contexts, "");
        assert_eq!(all.len(), keymap.all().len());
        assert!(all[0].here && !all[all.len() - 1].here);
        let found = entries(&keymap, &contexts, "long wrap");
        assert!(found.iter().any(|entry| entry.binding.action == Action::Wrap));
        assert!(found.len() < 4);
    }
}

//! Reading `zip:` and `when:`, which say how swept keys belong together.
//!
//! `zip: [[lora_rank, learning_rate]]` couples keys; `when: {lora_alpha: {lora_rank: [8, 16]}}` sweeps `lora_alpha`
//! only where `lora_rank` is 8 or 16. Whether the keys are swept at all is asked later, after the command line.

use super::reader::SweepReader;
use super::{SweepSpec, When, Zip};
use crate::config::keys::Key;
use crate::config::yaml::{Content, Node};

const ZIP: &str = "zip: [[lora_rank, learning_rate]]";
const WHEN: &str = "when: {lora_alpha: {lora_rank: [8, 16]}}";

impl SweepReader<'_> {
    pub(super) fn zip(&mut self, sweep: &mut SweepSpec, node: &Node) {
        sweep.zip.clear();
        let Content::List(groups) = &node.content else {
            self.wrong_with_hint(node, "sweep.zip", "is a list of lists of keys, and this is none", ZIP);
            return;
        };
        for group in groups {
            let keys = self.zipped_keys(sweep, group);
            sweep.zip.extend(keys.map(|keys| Zip { keys, place: self.place(group) }));
        }
    }

    fn zipped_keys(&mut self, sweep: &SweepSpec, group: &Node) -> Option<Vec<&'static Key>> {
        let Content::List(names) = &group.content else {
            self.wrong_with_hint(group, "sweep.zip", "is a list of lists of keys, but contains this", ZIP);
            return None;
        };
        let mut keys: Vec<&'static Key> = Vec::new();
        for name in names {
            let key = self.key_of(name)?;
            if keys.contains(&key) || sweep.zip.iter().any(|zip| zip.keys.contains(&key)) {
                self.wrong(name, "sweep.zip", "is zipped a second time");
                return None;
            }
            keys.push(key);
        }
        if keys.len() < 2 {
            self.wrong_with_hint(group, "sweep.zip", "couples two keys or more, and these are fewer", ZIP);
            return None;
        }
        Some(keys)
    }

    pub(super) fn when(&mut self, sweep: &mut SweepSpec, node: &Node) {
        sweep.when.clear();
        let Content::Map(children) = &node.content else {
            self.wrong_with_hint(
                node,
                "sweep.when",
                "is a mapping of keys to conditions, and this is none",
                WHEN,
            );
            return;
        };
        for (child, conditions) in self.once_each("sweep.when", children) {
            let Some(key) = self.key_of(child) else { continue };
            let Content::Map(parents) = &conditions.content else {
                let message = "is a mapping of a key to the values that it must have, and this is none";
                self.wrong_with_hint(conditions, &format!("sweep.when.{}", child.text), message, WHEN);
                continue;
            };
            for (parent, values) in self.once_each(&format!("sweep.when.{}", child.text), parents) {
                let when = self.condition(key, child, parent, values);
                sweep.when.extend(when);
            }
        }
    }

    fn condition(&mut self, key: &'static Key, child: &Node, name: &Node, node: &Node) -> Option<When> {
        let path = format!("sweep.when.{}.{}", child.text, name.text);
        let parent = self.key_of(name)?;
        if parent == key {
            self.unknown(name, &path, "is a condition of a key on itself", WHEN);
            return None;
        }
        let values = match &node.content {
            Content::List(items) if items.is_empty() => {
                self.wrong_with_hint(node, &path, "has no values, so that it never holds", WHEN);
                return None;
            }
            Content::List(items) => self.values_of(parent, &path, items)?,
            _ => self.values_of(parent, &path, std::slice::from_ref(node))?,
        };
        Some(When { key, parent, values, place: self.place(name) })
    }
}

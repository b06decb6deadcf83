//! Merge keys: `<<: *defaults` adds the entries of another mapping that this one does not have itself.

use std::collections::HashSet;

use super::yaml::{Content, Node, NodeId};

/// The node that cannot be merged, and why.
type Refusal = (NodeId, String);

/// The tree with every `<<` applied, from the inside out. An entry of the mapping itself wins over a merged one, and
/// an earlier merged mapping over a later one.
pub(crate) fn merged(node: Node) -> Result<Node, Refusal> {
    let content = match node.content {
        Content::List(items) => Content::List(items.into_iter().map(merged).collect::<Result<_, _>>()?),
        Content::Map(entries) => Content::Map(merged_entries(entries)?),
        scalar => scalar,
    };
    Ok(Node { content, ..node })
}

fn merged_entries(entries: Vec<(Node, Node)>) -> Result<Vec<(Node, Node)>, Refusal> {
    let mut own = Vec::with_capacity(entries.len());
    let mut foreign = Vec::new();
    for (key, value) in entries {
        let value = merged(value)?;
        if key.text == "<<" && key.content == Content::Text {
            foreign.extend(mappings_of(value)?);
        } else {
            own.push((key, value));
        }
    }
    let mut known: HashSet<String> = own.iter().map(|(key, _)| key.text.clone()).collect();
    own.extend(foreign.into_iter().filter(|(key, _)| known.insert(key.text.clone())));
    Ok(own)
}

fn mappings_of(value: Node) -> Result<Vec<(Node, Node)>, Refusal> {
    let id = value.id;
    match value.content {
        Content::Map(entries) => Ok(entries),
        Content::List(items) => {
            let parts: Result<Vec<_>, _> = items.into_iter().map(mappings_of).collect();
            Ok(parts?.into_iter().flatten().collect())
        }
        _ => Err((id, String::from("'<<' merges a mapping, and this is none"))),
    }
}

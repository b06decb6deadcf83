//! The readings of a document: one that builds the tree and can stop at a node, one that collects spellings.

use std::cell::{Cell, RefCell};
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::yaml::{Content, Node, NodeId};

/// The most nodes that are read, counting those that aliases repeat.
const NODE_LIMIT: u32 = 100_000;

/// One reading: counts nodes and stops at one of them.
pub(crate) struct Pass {
    next: Cell<NodeId>,
    stop: Option<NodeId>,
    /// Which nodes are scalars, by number.
    pub(crate) scalars: RefCell<Vec<bool>>,
    /// Why the reading was ended by us, and not by the library.
    pub(crate) refusal: RefCell<Option<String>>,
}

impl Pass {
    /// A reading that stops at that node, if any.
    pub(crate) fn new(stop: Option<NodeId>) -> Self {
        Self { next: Cell::new(0), stop, scalars: RefCell::default(), refusal: RefCell::default() }
    }

    fn begin<E: de::Error>(&self, is_scalar: bool) -> Result<NodeId, E> {
        let id = self.next.get();
        self.next.set(id + 1);
        self.scalars.borrow_mut().push(is_scalar);
        if self.stop == Some(id) {
            return Err(E::custom("here"));
        }
        if id >= NODE_LIMIT {
            return self.refuse(format!("this is more than {NODE_LIMIT} values"));
        }
        Ok(id)
    }

    fn refuse<T, E: de::Error>(&self, message: String) -> Result<T, E> {
        self.refusal.replace(Some(message));
        Err(E::custom("refused"))
    }

    fn scalar<E: de::Error>(&self, content: Content) -> Result<Node, E> {
        Ok(Node { id: self.begin(true)?, content, text: String::new() })
    }
}

impl<'de> DeserializeSeed<'de> for &Pass {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &Pass {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E: de::Error>(self, flag: bool) -> Result<Node, E> {
        self.scalar(Content::Flag(flag))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Node, E> {
        self.scalar(Content::Whole(number.into()))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Node, E> {
        self.scalar(Content::Whole(number.into()))
    }

    fn visit_i128<E: de::Error>(self, number: i128) -> Result<Node, E> {
        self.scalar(Content::Whole(number))
    }

    fn visit_u128<E: de::Error>(self, number: u128) -> Result<Node, E> {
        self.scalar(Content::Whole(i128::try_from(number).unwrap_or(i128::MAX)))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Node, E> {
        self.scalar(Content::Real(number))
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<Node, E> {
        self.scalar(Content::Text)
    }

    fn visit_unit<E: de::Error>(self) -> Result<Node, E> {
        self.scalar(Content::Null)
    }

    fn visit_none<E: de::Error>(self) -> Result<Node, E> {
        self.scalar(Content::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let id = self.begin(false)?;
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(self)? {
            items.push(item);
        }
        Ok(Node { id, content: Content::List(items), text: String::new() })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let id = self.begin(false)?;
        let mut entries = Vec::new();
        while let Some(key) = access.next_key_seed(self)? {
            entries.push((key, access.next_value_seed(self)?));
        }
        Ok(Node { id, content: Content::Map(entries), text: String::new() })
    }

    fn visit_enum<A: de::EnumAccess<'de>>(self, _: A) -> Result<Node, A::Error> {
        self.begin::<A::Error>(true)?;
        self.refuse(String::from("tags such as '!name' have no meaning here"))
    }
}

/// The second reading, which asks for the text of every scalar.
pub(crate) struct TextPass {
    scalars: Vec<bool>,
    /// The texts of all nodes by number; empty for lists and mappings.
    pub(crate) texts: RefCell<Vec<String>>,
}

impl TextPass {
    /// A reading that knows which nodes are scalars.
    pub(crate) fn new(scalars: Vec<bool>) -> Self {
        Self { scalars, texts: RefCell::default() }
    }
}

impl<'de> DeserializeSeed<'de> for &TextPass {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let id = self.texts.borrow().len();
        if self.scalars.get(id).copied().unwrap_or(false) {
            deserializer.deserialize_str(self)
        } else {
            deserializer.deserialize_any(self)
        }
    }
}

impl<'de> Visitor<'de> for &TextPass {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<(), E> {
        self.texts.borrow_mut().push(text.to_owned());
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        self.texts.borrow_mut().push(String::new());
        while access.next_element_seed(self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        self.texts.borrow_mut().push(String::new());
        while access.next_key_seed(self)?.is_some() {
            access.next_value_seed(self)?;
        }
        Ok(())
    }
}

//! Who is in the room, in the order of joining.

use std::collections::{BTreeMap, HashMap};

use proto::name::Name;

use crate::services::chat::stream::By;

/// The members, in the order of joining. No two have the same name.
#[derive(Default)]
pub struct Roll {
    by_order: BTreeMap<u64, Listed>,
    /// By folded name.
    orders: HashMap<String, u64>,
}

/// A member.
pub struct Listed {
    /// Its name, as written.
    pub name: Name,
    /// Which member of which server it is, in a room of several.
    pub by: Option<By>,
    /// The number of its last line, in a room of several.
    pub lines: u64,
}

impl Roll {
    /// Adds a member, whose place is by this number.
    pub fn add(&mut self, order: u64, listed: Listed) {
        self.remove(&listed.name);
        self.orders.insert(listed.name.folded(), order);
        self.by_order.insert(order, listed);
    }

    /// The member of this name.
    pub fn get_mut(&mut self, name: &Name) -> Option<&mut Listed> {
        let order = self.orders.get(&name.folded())?;
        self.by_order.get_mut(order)
    }

    /// The name of the member of this name, as that writes it.
    pub fn holder(&self, name: &Name) -> Option<&Name> {
        let order = self.orders.get(&name.folded())?;
        self.by_order.get(order).map(|listed| &listed.name)
    }

    /// Removes the member of this name.
    pub fn remove(&mut self, name: &Name) -> Option<Listed> {
        let order = self.orders.remove(&name.folded())?;
        self.by_order.remove(&order)
    }

    /// The members.
    pub fn iter(&self) -> impl Iterator<Item = &Listed> {
        self.by_order.values()
    }
}

//! `UserType`: the type of the app's user ids.

use std::any::TypeId;

/// The type of the app's user ids. The launch compares that of the policy with that of the sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserType {
    id: TypeId,
    name: &'static str,
}

impl UserType {
    /// The type `U`.
    pub fn of<U: 'static>() -> Self {
        Self { id: TypeId::of::<U>(), name: std::any::type_name::<U>() }
    }

    /// The name of the type, for messages.
    pub fn name(&self) -> &'static str {
        self.name
    }
}

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

    /// Whether it is an integer type of at most 64 bits, which JSON has as a number.
    pub(crate) fn is_integer(self) -> bool {
        let of = [
            TypeId::of::<i8>(),
            TypeId::of::<i16>(),
            TypeId::of::<i32>(),
            TypeId::of::<i64>(),
            TypeId::of::<isize>(),
            TypeId::of::<u8>(),
            TypeId::of::<u16>(),
            TypeId::of::<u32>(),
            TypeId::of::<u64>(),
            TypeId::of::<usize>(),
        ];
        of.contains(&self.id)
    }

    /// The name of the type, for messages.
    pub fn name(&self) -> &'static str {
        self.name
    }
}

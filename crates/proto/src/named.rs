//! Names of the variants of an enum, listed once.

/// Implements, for an enum without fields, the list of all variants, the name of each, and the
/// variant with a name. A variant without a name does not compile.
#[macro_export]
macro_rules! named {
    ($type:ident, $name:ident, $($variant:ident => $text:literal),+ $(,)?) => {
        impl $type {
            /// All variants.
            pub const ALL: [$type; [$($text),+].len()] = [$($type::$variant),+];

            /// The name.
            pub fn $name(self) -> &'static str {
                match self {
                    $($type::$variant => $text),+
                }
            }

            /// The variant with this name, if there is one.
            pub fn parse(name: &str) -> Option<$type> {
                $type::ALL.into_iter().find(|variant| variant.$name() == name)
            }
        }
    };
}

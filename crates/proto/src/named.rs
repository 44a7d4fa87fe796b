//! Enums whose variants have names, each listed once.

/// Defines an enum without fields, with the list of all variants, the name of each, which `Display`
/// writes, and the variant with a name.
#[macro_export]
macro_rules! named {
    ($(#[$attribute:meta])* pub enum $type:ident by $name:ident {
        $($(#[$of_variant:meta])* $variant:ident => $text:literal,)+
    }) => {
        $(#[$attribute])*
        pub enum $type {
            $($(#[$of_variant])* $variant,)+
        }

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

        impl core::fmt::Display for $type {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.pad(self.$name())
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use crate::atm::record::Event;
    use crate::atm::semantics::{Protection, Semantics};
    use crate::chat::Reason;
    use crate::frame::Framing;
    use crate::handout::Handout;
    use crate::mode::{Mode, Transport};
    use crate::refusal::Code;
    use alloc::string::ToString;
    use core::fmt::{Debug, Display};

    #[track_caller]
    fn check<T: Copy + Debug + Display + PartialEq>(all: &[T], parse: fn(&str) -> Option<T>) {
        for variant in all {
            let name = variant.to_string();
            assert_eq!(parse(&name), Some(*variant));
            for other in ["", &name.to_uppercase(), &name.replace(['-', ' '], "_")] {
                assert!(other == name || parse(other).is_none(), "{other}");
            }
        }
    }

    #[test]
    fn every_name_is_distinct_and_parses_back() {
        check(&Code::ALL, Code::parse);
        check(&Event::ALL, Event::parse);
        check(&Framing::ALL, Framing::parse);
        check(&Handout::ALL, Handout::parse);
        check(&Mode::ALL, Mode::parse);
        check(&Protection::ALL, Protection::parse);
        check(&Reason::ALL, Reason::parse);
        check(&Semantics::ALL, Semantics::parse);
        check(&Transport::ALL, Transport::parse);
    }
}

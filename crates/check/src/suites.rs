//! The cases, one file a service, and those that all services share.

mod atm;
mod calc;
mod chat;
mod datetime;
mod echo;
mod handout;
mod script;
mod stream;
mod text;

use proto::mode::Mode;

use crate::case::Case;
use crate::dialect::Dialect;

pub use crate::clients::client_cases;

/// All cases of a server that speaks this.
pub fn server_cases(dialect: &Dialect) -> Vec<Case> {
    let topics: [&[&[Case]]; 2] = match dialect {
        Dialect::Service(Mode::Text) => [stream::ALL, &[text::CASES]],
        Dialect::Service(Mode::Calc) => [stream::ALL, &[calc::CASES]],
        Dialect::Service(Mode::Chat) => [stream::ALL, chat::ALL],
        Dialect::Service(Mode::Atm) => [stream::ALL, atm::ALL],
        Dialect::Service(Mode::Echo) => [&[], &[echo::CASES]],
        Dialect::Service(Mode::Datetime) => [&[], &[datetime::CASES]],
        Dialect::Service(Mode::Script) | Dialect::Script(..) | Dialect::Handout(_) => [&[], &[]],
    };
    let mut cases = topics.concat().concat();
    if let Dialect::Handout(handout) = dialect {
        cases.extend(handout::cases(*handout));
    }
    if let Some(script) = dialect.script() {
        cases.extend(script::cases(&script));
    }
    cases
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use proto::handout::Handout;
    use proto::script::SHIPPED;

    use super::*;

    #[test]
    fn each_case_has_a_name_of_its_own_and_a_rule_that_is_a_sentence() {
        let services = Mode::ALL.into_iter().map(Dialect::Service);
        let handouts = Handout::ALL.into_iter().map(Dialect::Handout);
        let scripts = SHIPPED.into_iter().map(|shipped| {
            let script = shipped.source.parse().unwrap();
            Dialect::Script(shipped.name.into(), Arc::new(script))
        });
        for dialect in services.chain(handouts).chain(scripts) {
            let cases = server_cases(&dialect);
            let names: BTreeSet<_> = cases.iter().map(|case| case.name).collect();
            assert_eq!(names.len(), cases.len(), "{}", dialect.arguments());
            for case in cases {
                assert!(case.rule.ends_with('.'), "{}", case.name);
            }
        }
    }
}

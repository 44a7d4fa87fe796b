//! Who may watch, and who may press the buttons.
//!
//! To watch a page on loopback, no token is needed: who can ask for it is on this computer. Any
//! other page needs one. To control always needs one, which other pages in the same browser do not
//! have. What names another host, or comes from a page of another origin, is refused in any case:
//! such a page may have had its own name resolve to this address (DNS rebinding).

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::http::{Request, Status};

/// Whom a page lets do what.
#[derive(Debug, Clone)]
pub struct Access {
    is_on_loopback: bool,
    /// The tokens.
    pub tokens: Tokens,
}

/// The tokens themselves, of 122 random bits each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    /// Lets its bearer watch.
    pub to_watch: String,
    /// Lets its bearer control, and watch.
    pub to_control: String,
}

/// What a request wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wants {
    /// The page itself, in which there is nothing to hide.
    Page,
    /// What happens.
    Watch,
    /// To change what happens.
    Control,
}

/// Why a request is not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// It names another host.
    #[error("this page is for this computer: ask for it as localhost or by its address")]
    OtherHost,
    /// A page of another origin sent it.
    #[error("another site's page may not ask this")]
    OtherOrigin,
    /// There is no token.
    #[error("a token is needed: use the whole address that labserver printed")]
    NoToken,
    /// The token is another one.
    #[error("wrong token: labserver draws a new one at each start, and prints its address")]
    WrongToken,
}

impl Denied {
    /// The status to answer with.
    pub fn status(self) -> Status {
        match self {
            Denied::OtherHost | Denied::OtherOrigin => Status::FORBIDDEN,
            Denied::NoToken | Denied::WrongToken => Status::UNAUTHORIZED,
        }
    }
}

impl Tokens {
    fn draw() -> Tokens {
        let token = || Uuid::new_v4().simple().to_string();
        Tokens {
            to_watch: token(),
            to_control: token(),
        }
    }
}

impl Access {
    /// New tokens for a page at this address.
    pub fn new(address: SocketAddr) -> Access {
        Access {
            is_on_loopback: address.ip().to_canonical().is_loopback(),
            tokens: Tokens::draw(),
        }
    }

    /// Whether the page is for this computer alone.
    pub fn is_on_loopback(&self) -> bool {
        self.is_on_loopback
    }

    /// Whether this request may have what it wants.
    ///
    /// # Errors
    /// When it may not: why.
    pub fn check(&self, wants: Wants, request: &Request) -> Result<(), Denied> {
        let host = request.field("host").unwrap_or_default();
        if self.is_on_loopback && !is_this_computer(host) {
            return Err(Denied::OtherHost);
        }
        if let Some(origin) = request.field("origin")
            && origin.strip_prefix("http://") != Some(host)
        {
            return Err(Denied::OtherOrigin);
        }
        let holds = |token| request.token().is_some_and(|shown| are_equal(shown, token));
        let is_allowed = match wants {
            Wants::Page => true,
            Wants::Watch => {
                self.is_on_loopback
                    || holds(&self.tokens.to_watch)
                    || holds(&self.tokens.to_control)
            }
            Wants::Control => holds(&self.tokens.to_control),
        };
        match request.token() {
            _ if is_allowed => Ok(()),
            Some(_) => Err(Denied::WrongToken),
            None => Err(Denied::NoToken),
        }
    }
}

/// Whether a `Host` field names this computer, whatever its port.
fn is_this_computer(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || name
            .parse::<IpAddr>()
            .is_ok_and(|ip| ip.to_canonical().is_loopback())
}

/// Compares in a time that depends on the lengths alone.
fn are_equal(one: &str, other: &str) -> bool {
    let differing = one.bytes().zip(other.bytes());
    let differing = differing.fold(0, |differing, (a, b)| differing | (a ^ b));
    one.len() == other.len() && std::hint::black_box(differing) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(fields: &[(&str, &str)]) -> Request {
        let fields: String = fields
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        Request::parsed(&format!("GET / HTTP/1.1\r\n{fields}\r\n"))
    }

    fn access(address: &str) -> Access {
        Access {
            tokens: Tokens {
                to_watch: "aa".into(),
                to_control: "cc".into(),
            },
            ..Access::new(address.parse().unwrap())
        }
    }

    fn bearer(token: &str) -> String {
        format!("Bearer {token}")
    }

    #[test]
    fn on_loopback_everybody_watches_and_who_has_the_token_controls() {
        let access = access("127.0.0.1:8080");
        let host = ("Host", "localhost:8080");
        let plain = request(&[host]);
        assert_eq!(access.check(Wants::Watch, &plain), Ok(()));
        assert_eq!(access.check(Wants::Control, &plain), Err(Denied::NoToken));
        for (token, allowed) in [
            ("cc", Ok(())),
            ("aa", Err(Denied::WrongToken)),
            ("c", Err(Denied::WrongToken)),
        ] {
            let request = request(&[host, ("Authorization", &bearer(token))]);
            assert_eq!(access.check(Wants::Control, &request), allowed, "{token}");
        }
    }

    #[test]
    fn elsewhere_watching_needs_a_token_too() {
        let access = access("0.0.0.0:8080");
        let host = ("Host", "10.0.0.7:8080");
        let plain = request(&[host]);
        assert_eq!(access.check(Wants::Page, &plain), Ok(()));
        assert_eq!(access.check(Wants::Watch, &plain), Err(Denied::NoToken));
        for token in ["aa", "cc"] {
            let request = request(&[host, ("Authorization", &bearer(token))]);
            assert_eq!(access.check(Wants::Watch, &request), Ok(()), "{token}");
        }
    }

    #[test]
    fn a_page_of_another_origin_is_refused_even_with_a_token() {
        let access = access("127.0.0.1:8080");
        for origin in [
            "http://evil.example",
            "null",
            "https://localhost:8080",
            "http://localhost:81",
        ] {
            let request = request(&[
                ("Host", "localhost:8080"),
                ("Origin", origin),
                ("Authorization", "Bearer cc"),
            ]);
            assert_eq!(
                access.check(Wants::Control, &request),
                Err(Denied::OtherOrigin),
                "{origin}"
            );
        }
        let own = request(&[
            ("Host", "localhost:8080"),
            ("Origin", "http://localhost:8080"),
        ]);
        assert_eq!(access.check(Wants::Watch, &own), Ok(()));
    }

    #[test]
    fn a_name_that_was_made_to_resolve_here_is_refused() {
        let access = access("[::1]:8080");
        for host in ["evil.example:8080", "evil.example", "10.0.0.7:8080", ""] {
            let checked = access.check(Wants::Page, &request(&[("Host", host)]));
            assert_eq!(checked, Err(Denied::OtherHost), "{host}");
        }
        for host in [
            "localhost",
            "LOCALHOST:1",
            "127.0.0.1:8080",
            "[::1]:8080",
            "[::1]",
        ] {
            let checked = access.check(Wants::Page, &request(&[("Host", host)]));
            assert_eq!(checked, Ok(()), "{host}");
        }
    }

    #[test]
    fn tokens_are_long_and_different_each_time() {
        let address = "127.0.0.1:1".parse().unwrap();
        let (one, other) = (Access::new(address).tokens, Access::new(address).tokens);
        let tokens = [
            &one.to_watch,
            &one.to_control,
            &other.to_watch,
            &other.to_control,
        ];
        assert!(tokens.iter().all(|token| token.len() == 32));
        let different: std::collections::HashSet<_> = tokens.into_iter().collect();
        assert_eq!(different.len(), 4);
    }
}

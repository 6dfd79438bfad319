//! Where a witness is reached. Plain http is for loopback alone: elsewhere somebody on the way could answer in the
//! witness's place, and though he could forge no cosignature, he could claim sizes and withhold answers.

use std::net::IpAddr;
use thiserror::Error;

/// Why a URL will not do.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AddressError {
    /// The policy names none.
    #[error("its line has no URL; add the witness's submission prefix at its end")]
    Missing,
    /// It is no URL of this form.
    #[error("`{0}` is not `https://host[:port][/path]`, without user, query and fragment")]
    Form(String),
    /// Plain http to another machine.
    #[error("`{0}` is plain http to another machine; use https")]
    Plain(String),
}

/// A witness's submission prefix, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Whether TLS is spoken.
    pub tls: bool,
    /// Name or address, without brackets.
    pub host: String,
    /// Host and port as the `Host` header has them.
    pub authority: String,
    /// TCP port.
    pub port: u16,
    /// What stands before `/add-checkpoint`; empty, or begins with a slash and does not end with one.
    pub prefix: String,
}

impl Address {
    /// Reads a policy's URL.
    pub fn parse(url: Option<&str>) -> Result<Address, AddressError> {
        let url = url.ok_or(AddressError::Missing)?;
        let form = || AddressError::Form(url.to_owned());
        let uri: hyper::Uri = url.parse().map_err(|_| form())?;
        let (tls, usual) = match uri.scheme_str() {
            Some("https") => (true, 443),
            Some("http") => (false, 80),
            Some(_) | None => return Err(form()),
        };
        let authority = uri.authority().ok_or_else(form)?;
        if authority.as_str().contains('@') || uri.query().is_some() || url.contains('#') {
            return Err(form());
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        if !tls && !is_loopback(&host) {
            return Err(AddressError::Plain(url.to_owned()));
        }
        let port = authority.port_u16().unwrap_or(usual);
        let prefix = uri.path().trim_end_matches('/').to_owned();
        Ok(Address { tls, host, authority: authority.as_str().to_owned(), port, prefix })
    }
}

/// An address, not a name: what a name resolves to is not ours to say.
fn is_loopback(host: &str) -> bool {
    host.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart() {
        let read = |url: &str| Address::parse(Some(url)).map(|to| (to.tls, to.host, to.port, to.prefix));
        let https = |host: &str, port, prefix: &str| Ok((true, host.to_owned(), port, prefix.to_owned()));
        assert_eq!(read("https://w.example"), https("w.example", 443, ""));
        assert_eq!(read("https://w.example:8443/a/b/"), https("w.example", 8443, "/a/b"));
        assert_eq!(read("https://[2001:db8::1]/"), https("2001:db8::1", 443, ""));
        assert_eq!(read("http://127.0.0.1:7423/"), Ok((false, "127.0.0.1".to_owned(), 7423, String::new())));
        assert_eq!(read("http://[::1]:7423"), Ok((false, "::1".to_owned(), 7423, String::new())));
    }

    #[test]
    fn what_is_no_witness_is_refused() {
        for url in ["", "w.example", "ftp://w.example/", "https://", "https://u@w.example/", "https://w.example/?a=b"] {
            assert_eq!(Address::parse(Some(url)), Err(AddressError::Form(url.to_owned())), "{url}");
        }
        for url in ["http://w.example/", "http://10.0.0.1:7423/", "http://localhost:7423/", "http://0.0.0.0:7423"] {
            assert_eq!(Address::parse(Some(url)), Err(AddressError::Plain(url.to_owned())), "{url}");
        }
        assert_eq!(Address::parse(None), Err(AddressError::Missing));
    }
}

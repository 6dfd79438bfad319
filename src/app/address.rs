//! Where a server may listen: loopback only, as long as there is no TLS. It resolves no names.

use std::net::SocketAddr;
use thiserror::Error;

/// An address that other machines could reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "{0} is reachable from other machines, and TLS is not there yet: listen on loopback, or put a TLS proxy in front"
)]
pub struct AddressError(pub SocketAddr);

/// Accepts loopback addresses.
pub fn check_loopback(address: SocketAddr) -> Result<(), AddressError> {
    if address.ip().to_canonical().is_loopback() { Ok(()) } else { Err(AddressError(address)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_accepted() {
        let check = |text: &str| check_loopback(text.parse().unwrap()).is_ok();
        assert!(check("127.0.0.1:0") && check("127.9.9.9:7420") && check("[::1]:7420"));
        assert!(check("[::ffff:127.0.0.1]:7420"));
        assert!(!check("0.0.0.0:7420") && !check("[::]:7420") && !check("192.168.1.4:7420") && !check("[fe80::1]:1"));
    }
}

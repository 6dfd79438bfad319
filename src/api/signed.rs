//! Requests that whoever asks must sign: what is signed, and who may have signed it. It knows no method; each says what of
//! its fields is signed, and what the asker may do.

use crate::api::convert;
use crate::api::proto::{Reason, RequestSignature};
use crate::api::reason::Fault;
use crate::api::shared::Shared;
use crate::ledger::Reader;
use crate::limits;
use deedbook_verify::detail::Roles;
use deedbook_verify::facts::Actor;
use deedbook_verify::frame::{SignerRole, pre_authentication_encoding};
use deedbook_verify::words::{Index, KeyId, LedgerId, Micros, Ref};

/// The DSSE payload type of signed requests.
pub const REQUEST_TYPE: &str = "application/vnd.deedbook.request.v1";

/// What the holder of a key signs: ledger id, the method's name, the time, and what the method says of its fields.
pub fn signed_bytes(ledger: LedgerId, method: &str, time: Micros, fields: &[&[u8]]) -> Vec<u8> {
    let payload = [&[ledger.0.as_slice(), method.as_bytes(), &time.0.to_be_bytes()], fields].concat().concat();
    pre_authentication_encoding(REQUEST_TYPE, &payload)
}

/// Whose key signed a request, and the bytes that it signed.
pub struct Signed {
    /// The source that the key speaks for.
    pub source: Ref,
    /// What was signed.
    pub bytes: Vec<u8>,
}

/// Judges a signed request: its time, then its signature. Every failure but a wrong clock has one answer.
pub fn judge(shared: &Shared, by: Option<RequestSignature>, method: &str, fields: &[&[u8]]) -> Result<Signed, Fault> {
    let by = convert::required("by", by)?;
    let key_id = KeyId(convert::array("by.key_id", &by.key_id)?);
    let time = Micros(by.time_micros);
    check_time(shared, time)?;
    let reader = shared.ledger.reader();
    let bytes = signed_bytes(reader.ledger_id(), method, time, fields);
    let source = holder(&reader, key_id, &bytes, &by.signature).ok_or_else(stranger)?;
    Ok(Signed { source, bytes })
}

/// Judged first and told apart, because it depends on the request alone and only its sender can mend it.
pub fn check_time(shared: &Shared, time: Micros) -> Result<(), Fault> {
    let window = limits::REQUEST_TIME_WINDOW_MS;
    if shared.clock.wall().0.abs_diff(time.0) <= window.saturating_mul(1_000) {
        return Ok(());
    }
    let message = format!("the request's time is more than {window} ms from the server's");
    Err(Fault::new(Reason::RequestTimeOutside, message).with("window_ms", window))
}

/// The one answer to whoever shows no key in force.
pub fn stranger() -> Fault {
    Fault::new(Reason::RequestNotAuthenticated, "the request is not signed by a key in force")
}

/// The source of a key in force that signed these bytes. An unknown key is met with a signature check too, so that the
/// time of the answer does not tell which keys there are.
pub fn holder(reader: &Reader, key_id: KeyId, signed: &[u8], signature: &[u8]) -> Option<Ref> {
    let keys = reader.keys();
    let now = Index(reader.head().size.0);
    let tenure = keys.tenure(&key_id).filter(|tenure| tenure.role == SignerRole::Source && tenure.in_force(now));
    let key = tenure.map_or(reader.verifier_key().key(), |tenure| &tenure.key);
    let accepted = key.accepts(signed, signature);
    tenure.filter(|_| accepted).map(|tenure| tenure.source)
}

/// Who asks, if they have one of the roles now.
pub fn with_role(reader: &Reader, source: Ref, allowed: Roles) -> Result<Actor, Fault> {
    let authority = reader.authority();
    let principal = authority.principals().get(source).filter(|it| it.is_enabled() && it.roles.meets(allowed));
    principal.map(|principal| Actor { kind: principal.kind, who: source }).ok_or_else(|| {
        let wanted: Vec<&str> =
            Roles::NAMED.iter().filter(|(role, _)| allowed.has(*role)).map(|(_, name)| *name).collect();
        let message = format!("whoever asks is bound to none of the roles {}", wanted.join(", "));
        Fault::new(Reason::RoleMissing, message).with("roles", wanted.join(" "))
    })
}

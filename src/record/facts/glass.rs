//! A governing command as break-glass: the declaration in its facts, and in its body why.

use crate::record::canonical::{Json, JsonError};
use crate::record::facts::FactsBuilder;
use bytes::Bytes;
use deedbook_verify::limits::FRAME_BYTES_MAX;
use deedbook_verify::tags;
use deedbook_verify::words::Ref;

/// Why one administrator governs alone. Everybody can read it, so it should name nobody.
#[derive(Clone, Copy, Debug)]
pub struct WhyAlone<'a> {
    /// Why it cannot wait for another.
    pub reason: &'a str,
    /// The incident that it belongs to.
    pub incident: &'a str,
}

impl FactsBuilder {
    /// Declares that the command is to take effect by the word of one administrator: over the silence of these others,
    /// or because no other can sign. Its body gets the members `reason` and `incident`, beside those it has.
    ///
    /// Fails where the body so far is no JSON object.
    pub fn by_break_glass(mut self, silent: &[Ref], why: WhyAlone<'_>) -> Result<FactsBuilder, JsonError> {
        let body = match &self.body {
            Some(body) => Json::parse(body, FRAME_BYTES_MAX)?,
            None => Json::object([]),
        };
        let Json::Object(mut members) = body else {
            return Err(JsonError::new("body", "is no object", "write `{…}`"));
        };
        members.insert("reason".to_owned(), Json::text(why.reason));
        members.insert("incident".to_owned(), Json::text(why.incident));
        self.body = Some(Bytes::from(Json::Object(members).to_bytes()));
        self.fields.entry(tags::MEDIA_TYPE.number).or_insert_with(|| b"application/json".to_vec());
        let mut silent: Vec<[u8; 16]> = silent.iter().map(|who| who.0).collect();
        silent.sort_unstable();
        silent.dedup();
        Ok(self.put(tags::BREAK_GLASS, silent.concat()))
    }
}

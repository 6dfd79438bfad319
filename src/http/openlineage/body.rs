//! A posted body: JSON, as it is or in gzip, of a bounded size before and after. It knows nothing of events.

use super::answer::Refusal;
use crate::limits;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode, header};
use flate2::read::MultiGzDecoder;
use std::borrow::Cow;
use std::io::Read;

/// A body as it was sent.
pub struct Sent {
    bytes: Bytes,
    gzip: bool,
}

/// Takes a body whose headers say that it is one of ours.
pub fn sent(headers: &HeaderMap, posted: Result<Bytes, BytesRejection>) -> Result<Sent, Refusal> {
    let bytes = posted.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Refusal::too_large(),
        _ => Refusal::malformed(rejection.body_text()),
    })?;
    let named = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?").trim());
    let media_type = named(header::CONTENT_TYPE).and_then(|text| text.split(';').next()).map(str::trim);
    if !media_type.is_some_and(|text| text.eq_ignore_ascii_case("application/json")) {
        return Err(Refusal::media("content-type", "send `application/json`"));
    }
    let gzip = match named(header::CONTENT_ENCODING).map(str::to_ascii_lowercase).as_deref() {
        None | Some("" | "identity") => false,
        Some("gzip" | "x-gzip") => true,
        Some(_) => return Err(Refusal::media("content-encoding", "send the body as it is, or in `gzip`")),
    };
    Ok(Sent { bytes, gzip })
}

impl Sent {
    /// The JSON text. What inflates beyond the limit is not inflated further.
    pub fn inflate(&self) -> Result<Cow<'_, [u8]>, Refusal> {
        if !self.gzip {
            return Ok(Cow::Borrowed(&self.bytes));
        }
        let bytes_max = limits::OPENLINEAGE_POST_BYTES_MAX;
        let bound = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
        let mut text = Vec::new();
        let read = MultiGzDecoder::new(self.bytes.as_ref()).take(bound).read_to_end(&mut text);
        match read {
            Err(error) => Err(Refusal::malformed(format!("the body is no gzip: {error}"))),
            Ok(_) if text.len() > bytes_max => Err(Refusal::too_large()),
            Ok(_) => Ok(Cow::Owned(text)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write;

    fn gzip(text: &[u8]) -> Sent {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        Sent { bytes: encoder.finish().unwrap().into(), gzip: true }
    }

    #[test]
    fn what_inflates_beyond_the_limit_is_refused() {
        let at_most = vec![b' '; limits::OPENLINEAGE_POST_BYTES_MAX];
        assert_eq!(gzip(&at_most).inflate().unwrap().len(), at_most.len());
        let bomb = gzip(&vec![b' '; limits::OPENLINEAGE_POST_BYTES_MAX + 1]);
        assert!(bomb.bytes.len() < 64 * 1024);
        assert_eq!(bomb.inflate().err().unwrap().status(), StatusCode::PAYLOAD_TOO_LARGE);
        // A body may be several members, each of which is bounded by the whole.
        let two = [gzip(b"{").bytes, gzip(b"}").bytes].concat();
        assert_eq!(Sent { bytes: two.into(), gzip: true }.inflate().unwrap().as_ref(), b"{}");
        let cut = Sent { bytes: gzip(b"{}").bytes.slice(..12), gzip: true };
        assert_eq!(cut.inflate().err().unwrap().status(), StatusCode::BAD_REQUEST);
    }
}

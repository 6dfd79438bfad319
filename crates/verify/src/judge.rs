//! The verdict on a receipt: eleven named checks, made in order, on bytes alone.

use crate::authority::Tenure;
use crate::detail::{Custody, Detail, Export, Genesis, KeyGrant, PrincipalCommand, RefusalReason};
use crate::entry::{Entry, SealedFrame};
use crate::frame::{Signer, SignerRole, check_signatures};
use crate::governance::{Authority, Consequence, Stated};
use crate::hash::{self, RefKey};
use crate::kind::Kind;
use crate::note::{NoteRefusal, VerifierKey, open_checkpoint};
use crate::plant::Bug;
use crate::policy::Policy;
use crate::receipt::{Check, Extra, Finding, Proven, ReceiptFile, ReceiptRefusal};
use crate::replay::{check_company, check_genesis_frame};
use crate::tree::{InclusionProof, TreeHead};
pub use crate::verdict::{BodyState, Enroller, Glass, Governed, Verified, Witnessing};
use crate::witnessed::open_witnessed;
use crate::words::{Hash, Index, LedgerId};

/// Verifies a receipt file with nothing but the ledger's verifier key.
pub fn verify_receipt(bytes: &[u8], key: &VerifierKey) -> Result<Verified, ReceiptRefusal> {
    judge(bytes, |note| Opened::by_key(note, key))
}

/// Verifies a receipt file under a policy: the log's signature, and the quorum of its witnesses.
pub fn verify_witnessed(bytes: &[u8], policy: &Policy) -> Result<Verified, ReceiptRefusal> {
    judge(bytes, |note| Opened::by_policy(note, policy))
}

/// What a checkpoint came to.
pub(crate) struct Opened {
    pub head: TreeHead,
    pub log: VerifierKey,
    pub witnessing: Witnessing,
    pub ignored: Vec<String>,
}

impl Opened {
    /// Signed by this key; nobody else is asked.
    pub fn by_key(note: &[u8], key: &VerifierKey) -> Result<Opened, NoteRefusal> {
        let opened = open_checkpoint(note, key)?;
        let ignored = opened.ignored().to_vec();
        Ok(Opened { head: opened.checkpoint().head, log: key.clone(), witnessing: Witnessing::NotAsked, ignored })
    }

    /// Signed by a log of the policy, and by as many of its witnesses as it asks for.
    pub fn by_policy(note: &[u8], policy: &Policy) -> Result<Opened, NoteRefusal> {
        let opened = open_witnessed(note, policy)?;
        Ok(Opened {
            head: opened.checkpoint().head,
            log: opened.log().clone(),
            witnessing: Witnessing::Met(opened.cosigned().to_vec()),
            ignored: opened.ignored().to_vec(),
        })
    }
}

fn judge(bytes: &[u8], open: impl FnOnce(&[u8]) -> Result<Opened, NoteRefusal>) -> Result<Verified, ReceiptRefusal> {
    let file = ReceiptFile::parse(bytes)?;
    let extra = Extra::parse(&file.extra).map_err(Check::Extra.malformed())?;
    check_no_surplus(&extra)?;
    let opened = open(file.note.as_bytes()).map_err(|refusal| Check::Checkpoint.refuse(Finding::Note(refusal)))?;
    let (head, key) = (opened.head, &opened.log);
    let subject = Entry::parse(extra.subject.entry).map_err(Check::Entry.malformed())?;
    check_included(Check::Inclusion, &subject, file.index, file.path, head)?;
    let authority = check_genesis(&extra, &subject, file.index, head, key)?;
    let keys = authority.keys();
    let frame = check_frame(Check::Frame, &extra.subject, &subject, file.index)?;
    let (let_in, enroller) = find_signer(&extra, &authority, &frame, &subject, file.index, head)?;
    let tenure = let_in.as_ref().map(|let_in| &let_in.tenure);
    check_author(&subject, &frame, keys, file.index)?;
    let base = base_of(&subject, file.index);
    check_signatures(&frame.header, &frame.block, |signer| match tenure {
        Some(tenure) if tenure.key.id() == signer.key_id => Some(&tenure.key),
        _ => keys.key_for(&frame.header, signer, base),
    })
    .map_err(|refusal| Check::Signature.refuse(Finding::Frame(refusal)))?;
    Ok(Verified {
        ledger: keys.ledger(),
        head,
        index: file.index,
        kind: subject.facts.kind,
        author: subject.facts.author(),
        received: subject.seal.received,
        signer: last_signer(&frame)?.key_id,
        enroller,
        founded: if authority.needs_two() { Governed::ByTwo } else { Governed::Alone },
        glass: Glass {
            declared: subject.facts.break_glass.is_some(),
            key: let_in.is_some_and(|let_in| let_in.by_break_glass),
        },
        body: check_body(&extra, &subject)?,
        exported: exported(&subject),
        witnessing: opened.witnessing,
        ignored: opened.ignored,
    })
}

/// What an entry states of a package that was taken out.
fn exported(entry: &Entry<'_>) -> Option<Export> {
    let Detail::Custody { custody: Custody::Exported(export), .. } = entry.facts.detail else { return None };
    Some(export)
}

fn check_no_surplus(extra: &Extra<'_>) -> Result<(), ReceiptRefusal> {
    let surplus = |what| Err(Check::Extra.refuse(Finding::Surplus(what)));
    if extra.subject.index.is_some() || !extra.subject.tree_path.is_empty() {
        return surplus("index or tree path of the subject");
    }
    if extra.genesis.as_ref().is_some_and(|genesis| genesis.index.is_some()) {
        return surplus("index of genesis");
    }
    Ok(())
}

fn check_included(
    check: Check,
    entry: &Entry<'_>,
    index: Index,
    path: Vec<Hash>,
    head: TreeHead,
) -> Result<(), ReceiptRefusal> {
    InclusionProof { index, size: head.size, path }
        .verify(&entry.leaf(), &head.root)
        .map_err(|refusal| check.refuse(Finding::Proof(refusal)))
}

/// Genesis yields the ledger id and the first keys, and names the key that signs checkpoints.
fn check_genesis(
    extra: &Extra<'_>,
    subject: &Entry<'_>,
    index: Index,
    head: TreeHead,
    key: &VerifierKey,
) -> Result<Authority, ReceiptRefusal> {
    let check = Check::Genesis;
    let (entry, proven) = match &extra.genesis {
        Some(_) if index == Index(0) => return Err(check.refuse(Finding::Surplus("genesis"))),
        Some(proven) => {
            let entry = Entry::parse(proven.entry).map_err(check.malformed())?;
            check_included(check, &entry, Index(0), proven.tree_path.clone(), head)?;
            (entry, proven)
        }
        None if index == Index(0) => (*subject, &extra.subject),
        None => return Err(check.refuse(Finding::Missing("genesis"))),
    };
    founded(proven, &entry, key)
}

/// Who may do what by genesis, which is known to be in the tree at index 0.
pub(crate) fn founded(proven: &Proven<'_>, entry: &Entry<'_>, key: &VerifierKey) -> Result<Authority, ReceiptRefusal> {
    let check = Check::Genesis;
    let Detail::Genesis(genesis) = &entry.facts.detail else {
        return Err(check.refuse(Finding::Differs("the kind of index 0")));
    };
    let frame = check_frame(check, proven, entry, Index(0))?;
    check_genesis_frame(&frame.header).map_err(|refusal| check.refuse(Finding::Frame(refusal)))?;
    let authority = Authority::from_genesis(LedgerId(entry.leaf().0), entry.facts.source, genesis)
        .map_err(|_| check.refuse(Finding::Differs("soundness of its keys")))?;
    let keys = authority.keys();
    check_signatures(&frame.header, &frame.block, |signer| keys.key_for(&frame.header, signer, Index(0)))
        .map_err(|refusal| check.refuse(Finding::Frame(refusal)))?;
    check_head_key(genesis, key)?;
    Ok(authority)
}

fn check_head_key(genesis: &Genesis<'_>, key: &VerifierKey) -> Result<(), ReceiptRefusal> {
    if genesis.head_key.bytes != key.key().to_wire() {
        return Err(Check::HeadKey.refuse(Finding::Differs("genesis' head key")));
    }
    if genesis.origin != key.name() {
        return Err(Check::HeadKey.refuse(Finding::Differs("genesis' origin")));
    }
    Ok(())
}

pub(crate) fn base_of(entry: &Entry<'_>, index: Index) -> Index {
    Index(index.0.saturating_sub(u64::from(entry.seal.offset)))
}

/// Seal, facts, frame and path agree; signatures are checked by the caller, who knows the keys.
pub(crate) fn check_frame<'a>(
    check: Check,
    proven: &Proven<'a>,
    entry: &Entry<'a>,
    index: Index,
) -> Result<SealedFrame<'a>, ReceiptRefusal> {
    let frame = match (entry.seal.frame, proven.frame) {
        (Some(frame), None) => frame,
        (None, Some((header, block))) => SealedFrame::parse(header, block).map_err(check.malformed())?,
        (Some(_), Some(_)) => return Err(check.refuse(Finding::Surplus("a second frame header"))),
        (None, None) => return Err(check.refuse(Finding::Missing("the frame header"))),
    };
    if frame.digest() != entry.seal.frame_digest {
        return Err(check.refuse(Finding::Differs("the frame digest")));
    }
    let offset = entry.seal.offset;
    if frame.header.n != entry.seal.n || index.0 < u64::from(offset) {
        return Err(check.refuse(Finding::Differs("the place in the frame")));
    }
    let kind = entry.facts.kind;
    if (kind == Kind::Genesis) != (index == Index(0)) {
        return Err(check.refuse(Finding::Differs("the kind of index 0")));
    }
    check_company(&entry.facts, entry.facts.author(), frame.header.n)
        .map_err(|refusal| check.refuse(Finding::Frame(refusal)))?;
    frame.header.agrees(offset, &entry.facts).map_err(|refusal| check.refuse(Finding::Frame(refusal)))?;
    let place = InclusionProof {
        index: Index(u64::from(offset)),
        size: crate::words::TreeSize(u64::from(frame.header.n)),
        path: proven.frame_path.clone(),
    };
    place
        .verify(&hash::leaf(entry.facts.bytes), &frame.header.root)
        .map_err(|refusal| check.refuse(Finding::Proof(refusal)))?;
    Ok(frame)
}

pub(crate) fn last_signer(frame: &SealedFrame<'_>) -> Result<Signer, ReceiptRefusal> {
    frame.header.signers().last().ok_or(Check::Signature.refuse(Finding::Missing("a signer")))
}

/// A key that genesis does not name, as the receipt shows that it was let in.
struct LetIn {
    tenure: Tenure,
    by_break_glass: bool,
}

/// The tenure of the signing key: from genesis, or from the enrollment that the receipt carries.
fn find_signer(
    extra: &Extra<'_>,
    authority: &Authority,
    frame: &SealedFrame<'_>,
    subject: &Entry<'_>,
    index: Index,
    head: TreeHead,
) -> Result<(Option<LetIn>, Enroller), ReceiptRefusal> {
    let check = Check::Enrollment;
    let signer = last_signer(frame)?;
    let proven = match (&extra.enrollment, authority.keys().tenure(&signer.key_id)) {
        (None, Some(_)) => return Ok((None, Enroller::Genesis)),
        (Some(_), Some(_)) => return Err(check.refuse(Finding::Surplus("an enrollment"))),
        (None, None) => return Err(check.refuse(Finding::Missing("the enrollment of the signing key"))),
        (Some(proven), None) => proven,
    };
    let from = proven.index.ok_or(check.refuse(Finding::Missing("the index of the enrollment")))?;
    let entry = Entry::parse(proven.entry).map_err(check.malformed())?;
    check_included(check, &entry, from, proven.tree_path.clone(), head)?;
    let enrolling = check_frame(check, proven, &entry, from)?;
    if from >= base_of(subject, index) {
        return Err(check.refuse(Finding::Differs("the order of enrollment and frame")));
    }
    let by_break_glass = entry.facts.break_glass.is_some();
    let (tenure, enroller) = let_in(authority, frame, &Enrollment { from, entry, frame: enrolling })?;
    Ok((Some(LetIn { tenure, by_break_glass }), enroller))
}

/// An entry that lets a key in, known to be in the tree; and its frame, which was checked.
pub(crate) struct Enrollment<'a> {
    pub from: Index,
    pub entry: Entry<'a>,
    pub frame: SealedFrame<'a>,
}

/// The tenure of the key that signed a frame behind its enrollment.
pub(crate) fn let_in(
    authority: &Authority,
    frame: &SealedFrame<'_>,
    enrollment: &Enrollment<'_>,
) -> Result<(Tenure, Enroller), ReceiptRefusal> {
    let (check, signer, from) = (Check::Enrollment, last_signer(frame)?, enrollment.from);
    let entry = &enrollment.entry;
    let grant = let_in_by(entry).ok_or(check.refuse(Finding::Differs("the kind of the enrollment")))?;
    let key = grant.key.check().ok_or(check.refuse(Finding::Differs("soundness of the enrolled key")))?;
    if key.id() != signer.key_id || grant.source != frame.header.source || signer.role != SignerRole::Source {
        return Err(check.refuse(Finding::Differs("the enrolled key or source")));
    }
    let enroller = check_enroller(authority, entry, &enrollment.frame, from)?;
    let role = SignerRole::Source;
    Ok((Tenure { key, source: grant.source, role, stated: from, from, until: None }, enroller))
}

/// The key that an enrollment, a rotation or the binding of a principal lets in.
pub(crate) fn let_in_by<'a>(entry: &Entry<'a>) -> Option<KeyGrant<'a>> {
    match entry.facts.detail {
        Detail::KeyEnrolled(grant) | Detail::KeyRotated { grant, .. } => Some(grant),
        Detail::Principal(PrincipalCommand::Bound(binding)) => {
            binding.key.map(|key| KeyGrant { key, source: binding.who.who })
        }
        Detail::None
        | Detail::Document(_)
        | Detail::Genesis(_)
        | Detail::KeyRevoked { .. }
        | Detail::BodyErased(_)
        | Detail::Approval(_)
        | Detail::Principal(_)
        | Detail::Policy(_)
        | Detail::Step(_)
        | Detail::CommandRefused { .. }
        | Detail::Keeping(_)
        | Detail::HeartbeatPromised { .. }
        | Detail::SourceGap(_)
        | Detail::Custody { .. }
        | Detail::Oversight(_)
        | Detail::Imported { .. }
        | Detail::ClockChecked { .. } => None,
    }
}

/// Who let the key in. What the rules refuse given genesis alone may have been allowed by what came later, unless it
/// concerns the key itself: keys stay known, weak, or the ledger's own for ever.
fn check_enroller(
    authority: &Authority,
    entry: &Entry<'_>,
    frame: &SealedFrame<'_>,
    from: Index,
) -> Result<Enroller, ReceiptRefusal> {
    let (check, keys) = (Check::Enrollment, authority.keys());
    let signer = last_signer(frame)?.key_id;
    keys.check_author(&frame.header, entry.facts.author()).map_err(|refusal| check.refuse(Finding::Frame(refusal)))?;
    let Some(tenure) = keys.tenure(&signer) else { return Ok(Enroller::NotShown(signer)) };
    check_signatures(&frame.header, &frame.block, |signer| keys.key_for(&frame.header, signer, from))
        .map_err(|refusal| check.refuse(Finding::Frame(refusal)))?;
    let stated = Stated { facts: &entry.facts, signer, index: from, received: entry.seal.received };
    let Ok(decided) = authority.decide(&stated, |_| Ok::<_, std::convert::Infallible>(Vec::new()));
    match decided {
        Err(reason @ (RefusalReason::WeakKey | RefusalReason::KeyKnown | RefusalReason::LedgerKey)) => {
            Err(check.refuse(Finding::Rule(reason)))
        }
        Ok(Consequence::Waits(_)) => Ok(Enroller::SecondNotShown(signer)),
        Ok(_) if authority.is_administrator(tenure.source) => Ok(Enroller::Administrator(signer)),
        Ok(_) | Err(_) => Ok(Enroller::NotShown(signer)),
    }
}

pub(crate) fn check_author(
    subject: &Entry<'_>,
    frame: &SealedFrame<'_>,
    keys: &crate::authority::KeyHistory,
    index: Index,
) -> Result<(), ReceiptRefusal> {
    if index == Index(0) {
        return Ok(());
    }
    keys.check_author(&frame.header, subject.facts.author())
        .map_err(|refusal| Check::Signature.refuse(Finding::Frame(refusal)))
}

fn check_body(extra: &Extra<'_>, subject: &Entry<'_>) -> Result<BodyState, ReceiptRefusal> {
    match (&subject.facts.commitment, &extra.body) {
        (None, None) => Ok(BodyState::None),
        (None, Some(_)) => Err(Check::Body.refuse(Finding::Surplus("a body"))),
        (Some(_), None) => Ok(BodyState::Redacted),
        (Some(commitment), Some((salt, body))) if commitment.opens(salt, body) || Bug::BodyUnopened.planted() => {
            Ok(BodyState::Disclosed(body.len()))
        }
        (Some(_), Some(_)) => Err(Check::Body.refuse(Finding::Differs("the commitment"))),
    }
}

/// Whether a ref key handed over by the operator is the one that genesis commits to.
pub fn is_ref_key_of(genesis: &Genesis<'_>, key: &RefKey) -> bool {
    key.digest() == genesis.ref_key_digest
}

//! Who took a package out is on record, as somebody outside sees it: the log says so, the package's custody proves it, and
//! whoever may not is refused before anything is read.

use crate::audit_package::sealed_again;
use crate::support::disk::copy;
use crate::support::grpc::{Served, check};
use crate::support::process::Serving;
use crate::support::stage::{Stage, text};
use crate::support::{House, audit};
use deedbook::api::{export_request, proto, read_request};
use deedbook::record::{SigningKey, load_public};
use deedbook_verify::detail::{Custody, Detail, Interval};
use deedbook_verify::entry::Entry;
use deedbook_verify::frame::pre_authentication_encoding;
use deedbook_verify::judge::verify_receipt;
use deedbook_verify::note::decode_base64;
use deedbook_verify::package::{Directory, PackageCode, Signed, TestId, Verdict, verify_package};
use deedbook_verify::receipt::{Extra, ReceiptFile};
use deedbook_verify::words::{Index, Micros, TreeSize};
use serde_json::Value;
use std::path::Path;
use std::process::Output;

const EVER: [&str; 6] = ["--framework", "soc2", "--from", "2020-01-01", "--to", "2030-01-01"];

fn export(stage: &Stage, server: &Serving, signer: &str, out: &str) -> Output {
    let words = [&["export", "--out", out], &EVER[..]].concat();
    stage.run(server, signer, &words).arg("--vkey").arg(stage.dir.root().join("ledger.vkey")).output().unwrap()
}

fn said(output: &Output) -> Value {
    assert!(output.status.success(), "{}", text(output));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn read(path: impl AsRef<Path>) -> Vec<u8> {
    std::fs::read(path.as_ref()).unwrap()
}

fn json(path: impl AsRef<Path>) -> Value {
    serde_json::from_slice(&read(path)).unwrap()
}

#[test]
fn an_export_is_in_the_log_and_its_proof_beside_the_package() {
    let (stage, server) = Stage::set();
    stage.submit(&server);
    let before = stage.kinds(&server).len() as u64;
    let told = said(&export(&stage, &server, "adm", "out"));
    let kinds = stage.kinds(&server);
    assert_eq!(kinds[before as usize..], ["log.read", "evidence.exported"]);
    assert_eq!(told["custody"], serde_json::json!({"exported_index": before + 1, "read_index": before}));
    // The receipt proves the entry, and its facts name what left: the manifest, the interval, the bodies.
    let (folder, key) = (stage.path("out"), load_public(&stage.dir.root().join("ledger.vkey")).unwrap());
    let receipt = read(folder.join("custody/exported.tlog-proof"));
    let proven = verify_receipt(&receipt, &key).unwrap();
    assert_eq!(proven.index, Index(before + 1));
    let file = ReceiptFile::parse(&receipt).unwrap();
    let extra = Extra::parse(&file.extra).unwrap();
    let entry = Entry::parse(extra.subject.entry).unwrap();
    let Detail::Custody { custody: Custody::Exported(stated), .. } = entry.facts.detail else { panic!("{entry:?}") };
    let manifest = blake3::hash(&read(folder.join("manifest-sha256.txt")));
    assert_eq!(stated.package.0, *manifest.as_bytes());
    let shown = verify_package(&Directory(folder.clone()), &key).unwrap();
    let interval = Interval { first: Index(0), end: TreeSize(before) };
    assert_eq!((stated.interval, stated.head.root), (interval, shown.rendered.root));
    assert_eq!(stated.disclosed, shown.rendered.bodies.opened);
    let record = json(folder.join("custody/export.json"));
    assert_eq!(record["manifest_blake3"], manifest.to_hex().as_str());
    assert_eq!(
        (&record["exporter"], &record["exported_index"]),
        (&stated.actor.who.to_string().into(), &(before + 1).into())
    );
    // The exporter signed the second manifest, which covers everything that is judged.
    let envelope = json(folder.join("tagmanifest-sha256.txt.dsse"));
    let payload = decode_base64(envelope["payload"].as_str().unwrap()).unwrap();
    assert_eq!(payload, read(folder.join("tagmanifest-sha256.txt")));
    let signer = SigningKey::load(&stage.path("adm.key")).unwrap();
    let signature = decode_base64(envelope["signatures"][0]["sig"].as_str().unwrap()).unwrap();
    let signed = pre_authentication_encoding(envelope["payloadType"].as_str().unwrap(), &payload);
    assert!(signer.public().accepts(&signed, &signature));
    assert_eq!(envelope["signatures"][0]["keyid"], signer.public().id().to_string());
    // A second export is a second entry; the package judges both, and the log stays as it should be.
    said(&export(&stage, &server, "adm", "again"));
    said(&export(&stage, &server, "adm", "third"));
    let shown = verify_package(&Directory(stage.path("third")), &key).unwrap();
    let reads = shown.rendered.tests.iter().find(|(id, ..)| *id == TestId::T09).unwrap();
    assert_eq!((reads.1, reads.2), (Verdict::Pass, 4), "two reads, two packages");
    server.terminate();
    assert!(server.ended().status.success());
    let report = audit(stage.dir.root());
    assert!(report.is_clean(), "{:#?}", report.findings);
}

/// What stands beside a package is held against it: another envelope, receipt or record is refused, none is none.
#[test]
fn custody_that_is_not_of_this_package_is_refused() {
    let (stage, server) = Stage::set();
    stage.submit(&server);
    said(&export(&stage, &server, "adm", "out"));
    said(&export(&stage, &server, "adm", "other"));
    drop(server);
    let (folder, key) = (stage.path("out"), load_public(&stage.dir.root().join("ledger.vkey")).unwrap());
    let verify = || verify_package(&Directory(folder.clone()), &key);
    let shown = verify().unwrap().custody;
    let signer = SigningKey::load(&stage.path("adm.key")).unwrap().public().id();
    assert!(matches!(shown.signed, Some(Signed::By(key, _)) if key == signer), "{shown:?}");
    let exported = shown.exported.unwrap();
    assert_eq!(json(folder.join("custody/export.json"))["exported_index"], exported.index.0);
    let spoiled = |path: &str, bytes: &[u8]| {
        let (path, sound) = (folder.join(path), read(folder.join(path)));
        std::fs::write(&path, bytes).unwrap();
        let refusal = verify().unwrap_err();
        std::fs::write(&path, sound).unwrap();
        (refusal.code, refusal.file)
    };
    let envelope = read(folder.join("tagmanifest-sha256.txt.dsse"));
    let altered = String::from_utf8(envelope.clone()).unwrap().replacen("\"sig\":\"", "\"sig\":\"AAAA", 1);
    let dsse = "tagmanifest-sha256.txt.dsse";
    let (receipt, record) = ("custody/exported.tlog-proof", "custody/export.json");
    let saying = |was: &str, is: &str| {
        let said = String::from_utf8(read(folder.join(record))).unwrap();
        assert!(said.contains(was), "{said}");
        said.replace(was, is).into_bytes()
    };
    let other = |path: &str| read(stage.path("other").join(path));
    for (path, bytes) in [
        (dsse, altered.into_bytes()),
        (dsse, other(dsse)),
        (dsse, b"{}".to_vec()),
        (receipt, other(receipt)),
        (record, other(record)),
        (record, saying("\"exported_index\": ", "\"exported_index\": 1")),
        (record, saying("\"exported.tlog-proof\"", "\"another.tlog-proof\"")),
        (record, saying(&signer.to_string(), &"0".repeat(signer.to_string().len()))),
    ] {
        assert_eq!(spoiled(path, &bytes), (PackageCode::Custody, path.to_owned()));
    }
    // Only what is said can be false.
    std::fs::write(folder.join("custody/received.txt"), "by mail").unwrap();
    assert_eq!(verify().unwrap().custody.unread, ["custody/received.txt"]);
    std::fs::remove_dir_all(folder.join("custody")).unwrap();
    std::fs::remove_file(folder.join(dsse)).unwrap();
    let shown = verify().unwrap();
    assert_eq!((shown.custody.signed, shown.custody.exported), (None, None));
    assert!(shown.not_shown().iter().any(|line| line.contains("nobody signed for it")));
}

#[test]
fn a_receipt_of_an_export_names_the_package() {
    let (stage, server) = Stage::set();
    said(&export(&stage, &server, "adm", "out"));
    drop(server);
    let digest = blake3::hash(&read(stage.path("out/manifest-sha256.txt"))).to_hex().to_string();
    let mut verify = stage.command();
    verify.args(["verify", "out/custody/exported.tlog-proof", "--vkey"]).arg(stage.dir.root().join("ledger.vkey"));
    assert_eq!(said(&verify.output().unwrap())["package_digest"], digest.as_str());
}

#[test]
fn who_may_not_export_is_refused_before_anything_is_read() {
    let (stage, server) = Stage::set();
    for role in ["auditor", "exporter"] {
        let out = stage.path(&format!("{role}.key"));
        stage.done(stage.command().args(["key", "new", "--name", role, "--out"]).arg(out));
        let words = ["principal", "add", "--kind", "service", "--id", role, "--responsible", "alice", "--role", role];
        stage.says(&server, "adm", &[&words[..], &["--key", &format!("{role}.key.pub")]].concat());
    }
    let before = stage.kinds(&server);
    for signer in ["bob", "agent", "auditor"] {
        let refused = export(&stage, &server, signer, "out");
        assert_eq!(refused.status.code(), Some(3), "{signer}: {}", text(&refused));
        assert!(text(&refused).contains("ROLE_MISSING"), "{signer}: {}", text(&refused));
    }
    assert_eq!(stage.kinds(&server), before, "nothing was appended");
    assert!(!stage.path("out").exists() && !stage.path("out.partial").exists());
    said(&export(&stage, &server, "exporter", "out"));
    assert_eq!(stage.kinds(&server).last().map(String::as_str), Some("evidence.exported"));
}

/// A package that nobody signed for, or that could not be put on record, is put on record later.
#[test]
fn a_package_is_put_on_record_later_once_it_verifies() {
    let (stage, server) = Stage::set();
    let mut anonymous = stage.command();
    anonymous.args(["--server", &format!("http://{}", server.address), "export", "--out", "out"]).args(EVER);
    let output = anonymous.env_remove("DEEDBOOK_SIGNER").arg("--vkey").arg(stage.dir.root().join("ledger.vkey"));
    assert_eq!(said(&output.output().unwrap())["custody"], Value::Null);
    assert!(!stage.kinds(&server).contains(&"log.read".to_owned()));
    let later = |signer: &str| {
        let mut command = stage.run(&server, signer, &["custody", "out"]);
        command.arg("--vkey").arg(stage.dir.root().join("ledger.vkey")).output().unwrap()
    };
    // What does not verify is not put on record.
    let (path, sound) = (stage.path("out/data/population.csv"), read(stage.path("out/data/population.csv")));
    std::fs::write(&path, [sound.as_slice(), b"\r\n"].concat()).unwrap();
    let refused = later("adm");
    assert_eq!(refused.status.code(), Some(1), "{}", text(&refused));
    std::fs::write(&path, &sound).unwrap();
    // Nor a report that somebody altered, with manifests that fit it: the verifier knows its hash alone.
    let whole = stage.path("whole");
    copy(&stage.path("out"), &whole);
    let report = String::from_utf8(read(stage.path("out/data/report.html"))).unwrap();
    std::fs::write(stage.path("out/data/report.html"), report.replacen("Deedbook", "Leadbook", 1)).unwrap();
    sealed_again(&stage.path("out"));
    verify_package(&Directory(stage.path("out")), &load_public(&stage.dir.root().join("ledger.vkey")).unwrap())
        .unwrap();
    let refused = later("adm");
    assert_eq!(refused.status.code(), Some(1), "{}", text(&refused));
    assert!(text(&refused).contains("data/report.html") && text(&refused).contains("export the period again"));
    assert!(!stage.path("out/tagmanifest-sha256.txt.dsse").exists() && !stage.path("out/custody").exists());
    std::fs::remove_dir_all(stage.path("out")).unwrap();
    std::fs::rename(&whole, stage.path("out")).unwrap();
    assert_eq!(later("bob").status.code(), Some(3));
    assert!(!stage.path("out/tagmanifest-sha256.txt.dsse").exists(), "who was refused leaves no signature");
    assert!(!stage.kinds(&server).contains(&"evidence.exported".to_owned()));
    let recorded = said(&later("adm"));
    assert_eq!(recorded["exported_index"], stage.kinds(&server).len() as u64 - 1);
    assert_eq!(stage.kinds(&server).last().map(String::as_str), Some("evidence.exported"));
    assert!(stage.path("out/custody/exported.tlog-proof").exists());
    assert_eq!(later("adm").status.code(), Some(2), "it is on record");
    assert_eq!(stage.kinds(&server).iter().filter(|kind| *kind == "evidence.exported").count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_request_counts_once_and_for_what_it_says() {
    let house = House::build();
    let served = Served::start(&house).await;
    let mut clients = served.clients().await;
    let (admin, head) = (house.admin(), served.ledger.reader().head());
    let question = format!(
        "deedbook.package/1\nprogram deedbook.evidence/1\nledger {}\nframework soc2\nfrom 2020-01-01T00:00:00.000000Z\n\
         to 2030-01-01T00:00:00.000000Z\ninterval 0 {}\nfilter all\nsample 0\nnonce none\nredact none\n",
        house.id, head.size
    );
    let request = proto::RecordExportRequest {
        by: None,
        question: question.into_bytes().into(),
        manifest_digest: vec![7; 32].into(),
        root: head.root.0.to_vec().into(),
        disclosed: 0,
    };
    let signed = |request: &proto::RecordExportRequest, time: u64| proto::RecordExportRequest {
        by: Some(proto::RequestSignature {
            key_id: admin.key.public().id().0.to_vec().into(),
            time_micros: time,
            signature: admin.key.sign(&export_request(house.id, Micros(time), request)).to_vec().into(),
        }),
        ..request.clone()
    };
    let now = crate::support::now().0;
    let good = signed(&request, now);
    let first = clients.evidence.record_export(good.clone()).await.unwrap().into_inner();
    let again = clients.evidence.record_export(good.clone()).await.unwrap().into_inner();
    assert_eq!((first.index, &first), (head.size.0, &again), "an answer that was lost costs no second entry");
    assert_eq!(served.ledger.reader().head().size.0, head.size.0 + 1);
    let other = |change: &dyn Fn(&mut proto::RecordExportRequest)| {
        let mut changed = request.clone();
        change(&mut changed);
        signed(&changed, now)
    };
    let unsigned = |change: &dyn Fn(&mut proto::RecordExportRequest)| {
        let mut changed = good.clone();
        change(&mut changed);
        changed
    };
    let refused = [
        (unsigned(&|it| it.disclosed = 1), "UNAUTHENTICATED", "REQUEST_NOT_AUTHENTICATED"),
        (unsigned(&|it| it.manifest_digest = vec![8; 32].into()), "UNAUTHENTICATED", "REQUEST_NOT_AUTHENTICATED"),
        (unsigned(&|it| it.by = None), "INVALID_ARGUMENT", "FIELD_INVALID"),
        (signed(&request, now - 10 * 60 * 1_000_000), "UNAUTHENTICATED", "REQUEST_TIME_OUTSIDE"),
        (other(&|it| it.root = vec![9; 32].into()), "FAILED_PRECONDITION", "LAST_SEEN_MISMATCH"),
        (other(&|it| it.root = vec![9; 3].into()), "INVALID_ARGUMENT", "FIELD_INVALID"),
        (other(&|it| it.question = b"x".as_slice().into()), "INVALID_ARGUMENT", "FIELD_INVALID"),
        (other(&|it| it.disclosed = 10_000), "INVALID_ARGUMENT", "FIELD_INVALID"),
    ];
    for (request, code, reason) in refused {
        let error = clients.evidence.record_export(request).await.unwrap_err();
        check(&error.into(), code, reason);
    }
    for (begins, ends, code, reason) in
        [(0, 10_000, "OUT_OF_RANGE", "OUTSIDE_TREE"), (1, 1, "INVALID_ARGUMENT", "FIELD_INVALID")]
    {
        let sizes = Some(proto::Sizes { begins, ends });
        let request = proto::RecordReadRequest { by: None, sizes, with_bodies: true, for_export: false };
        let signature = admin.key.sign(&read_request(house.id, Micros(now), &request)).to_vec().into();
        let key_id = admin.key.public().id().0.to_vec().into();
        let by = Some(proto::RequestSignature { key_id, time_micros: now, signature });
        let error = clients.evidence.record_read(proto::RecordReadRequest { by, ..request }).await.unwrap_err();
        check(&error.into(), code, reason);
    }
    assert_eq!(served.ledger.reader().head().size.0, head.size.0 + 1);
    served.stop().await;
    house.assert_clean();
}

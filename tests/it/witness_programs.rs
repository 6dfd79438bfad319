//! The programs together, as an operator runs them: a witness behind TLS, a server under its policy, a checkpoint and a
//! receipt that are witnessed, and the verifier that counts the cosignature.

use crate::support::House;
use crate::support::log::{open_witness, witness_key};
use crate::support::process::{Serving, WitnessProcess, serve_command};
use deedbook::record::CosigningKey;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::{ServerConfig, crypto};

/// Ends TLS in front of a witness, under a certificate of its own making, which is written to `authority`.
fn tls_before(witness: std::net::SocketAddr, authority: &Path) -> u16 {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(authority, made.cert.pem()).unwrap();
    let key = made.signing_key.serialize_der().try_into().unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let door = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    door.set_nonblocking(true).unwrap();
    let port = door.local_addr().unwrap().port();
    let door = TcpListener::from_std(door).unwrap();
    tokio::spawn(async move {
        while let Ok((client, _)) = door.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut client) = acceptor.accept(client).await else { return };
                let mut witness = TcpStream::connect(witness).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut client, &mut witness).await;
            });
        }
    });
    port
}

async fn run(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn deedbook(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_deedbook"));
    command.args(arguments).env_remove("DEEDBOOK_VKEY").env_remove("DEEDBOOK_POLICY");
    command
}

async fn succeeds(command: Command) -> String {
    let output = run(command).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_is_witnessed_and_counted() {
    let house = House::build();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let key = witness_key(folder.path(), "witness.example/w1");
    let memory = folder.path().join("memory");
    drop(open_witness(&memory, &key, &[&house.verifier_key], true).unwrap());
    let witness = WitnessProcess::start(&memory, &key, &house.dir.verifier_key());
    let port = tls_before(witness.address, &folder.path().join("authority.pem"));
    let cosigner = CosigningKey::load(&key).unwrap().cosigner_key().to_string();
    let public = std::fs::read_to_string(deedbook::record::keys::public_path(&key)).unwrap();
    assert_eq!(public.trim(), cosigner, "the key's public half is what goes into a policy");
    let policy = format!("log {}\nwitness w1 {cosigner} https://localhost:{port}/\nquorum w1\n", house.verifier_key);
    std::fs::write(path("policy"), policy).unwrap();
    let serve = |authority: String| {
        let mut command = serve_command(&house.dir);
        command.args(["--require-witness", "--witness-policy", &path("policy")]).env("SSL_CERT_FILE", authority);
        tokio::task::spawn_blocking(move || Serving::from_command(command))
    };
    // Another authority than the witness's: somebody could stand between.
    let other = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(path("other.pem"), other.cert.pem()).unwrap();
    let refused = serve(path("other.pem")).await.unwrap().err().expect("an unknown certificate is taken");
    assert!(refused.said.contains("do not make up the policy's quorum"), "{}", refused.said);
    let server = serve(path("authority.pem")).await.unwrap().unwrap_or_else(|ended| panic!("{ended:?}"));
    let vkey = house.dir.verifier_key().display().to_string();
    let ask = |arguments: &[&str]| {
        let mut command = deedbook(arguments);
        command.args(["--server", &server.address, "--vkey", &vkey]);
        command
    };
    let said = succeeds(ask(&["checkpoint", "--witnessed", "--out", &path("checkpoint")])).await;
    assert!(said.contains("signature valid"), "{said}");
    succeeds(ask(&["receipt", "0", "--witnessed", "--out", &path("receipt")])).await;
    let said = succeeds(deedbook(&["verify", "--policy", &path("policy"), &path("receipt")])).await;
    assert!(said.contains("valid") && said.contains("w1 (witness.example/w1) at 20"), "{said}");
    let json = succeeds(deedbook(&["verify", "--json", "--policy", &path("policy"), &path("receipt")])).await;
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&value["valid"], &value["witnesses"][0]["witness"]), (&true.into(), &"w1".into()));
    // A policy that asks for a witness who was not there.
    let absent = witness_key(folder.path(), "absent.example/w2");
    let absent = CosigningKey::load(&absent).unwrap().cosigner_key().to_string();
    let policy = format!("log {}\nwitness w2 {absent}\nquorum w2\n", house.verifier_key);
    std::fs::write(path("stricter"), policy).unwrap();
    let output = run(deedbook(&["verify", "--policy", &path("stricter"), &path("receipt")])).await;
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.code() == Some(1) && said.contains("quorum is not met: 0 of its 1 witnesses"), "{said}");
    // A file that cannot be read is named, and the other is judged all the same; what is not valid weighs more.
    for (policy, code, verdict) in [("policy", 2, ": valid"), ("stricter", 1, "NOT VALID")] {
        let files = [&path("missing"), &path("receipt")];
        let output = run(deedbook(&["verify", "--policy", &path(policy), files[0], files[1]])).await;
        let (said, complained) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert_eq!(output.status.code(), Some(code), "{said}{complained}");
        assert!(said.contains(verdict) && complained.contains("missing"), "{said}{complained}");
    }
    server.kill();
    // A server without a policy says so, and what to do.
    let plain = Serving::start(&house.dir);
    let output = run(deedbook(&["checkpoint", "--witnessed", "--server", &plain.address])).await;
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && said.contains("--witness-policy FILE"), "{said}");
    plain.kill();
    witness.kill();
}

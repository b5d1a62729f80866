//! Entries for real, in a network of their own in which every address there is answers.
//!
//! The test starts itself again inside a new network namespace whose only interface is its
//! loopback, to which all of IPv4 and IPv6 is routed: whatever were dialed would arrive at a
//! canary, a metadata address and a public one alike. The kernel counts the packets. The namespace
//! ends with its last process, however that ends, so nothing is left to be cleaned up.

use std::collections::BTreeSet;
use std::net::Ipv6Addr;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::certificates::self_signed;
use super::entries::{Corpus, Entry, texts};
use super::gate::{self, Prepared};
use crate::support::raw_upstream::{answer, json_answer, read_request};

/// Set in the namespace, and only there.
const INSIDE: &str = "CORDON_TEST_CANARIES";
/// The name of the test for its own program.
const NAME: &str = "corpus::canaries::a_denied_entry_sends_no_packet_whatever_address_it_names";
/// Brings the interface up and sends everything to it, then becomes the test.
const SET_UP: &str = "ip link set lo up && ip -4 route add local default dev lo && \
                      ip -6 route add local default dev lo && exec \"$@\"";
/// Ports beside those that entries name.
const PORTS: [u16; 4] = [80, 443, 8080, 8443];
/// The port on which canaries speak TLS.
const TLS_PORT: u16 = 443;

#[tokio::test]
async fn a_denied_entry_sends_no_packet_whatever_address_it_names() {
    if std::env::var_os(INSIDE).is_some() {
        return inside().await;
    }
    let mut probe = Command::new("unshare");
    probe.args(["--net", "--", "sh", "-c", SET_UP, "sh", "true"]);
    match probe.output() {
        Ok(output) if output.status.success() => {}
        Ok(output) => {
            let why = String::from_utf8_lossy(&output.stderr);
            return println!("SKIPPED egress_canaries: no network namespace: {}", why.trim());
        }
        Err(error) => return println!("SKIPPED egress_canaries: unshare cannot be run: {error}"),
    }
    let mut again = Command::new("unshare");
    again.args(["--net", "--", "sh", "-c", SET_UP, "sh"]);
    again.arg(std::env::current_exe().unwrap());
    again.args(["--exact", NAME, "--nocapture", "--test-threads", "1"]).env(INSIDE, "1");
    let output = tokio::task::spawn_blocking(move || again.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    for figure in said.lines().filter_map(|line| line.split_once("FIGURE ")) {
        println!("FIGURE {}", figure.1);
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("FIGURE "), "{said}\n{complaint}");
}

/// What the test is inside the namespace.
async fn inside() {
    let corpus = Corpus::load();
    let canaries = Canaries::listen(&corpus).await;
    let (mut denied, mut wrong) = (0, Vec::new());
    let entries =
        || corpus.of_kinds(&["url", "template"]).filter(|e| e.json["dns_sequence"].is_null());
    for entry in entries().filter(|entry| !entry.allowed) {
        denied += 1;
        let sent = match gate::prepare(&corpus, entry) {
            Ok(prepared) => prepared.send().await.is_ok(),
            Err(_) => false,
        };
        if sent || canaries.count() != 0 || packets() != 0 {
            wrong.push(format!("{} ({})", entry.id, entry.why));
            break;
        }
    }
    let (connections, packets) = (canaries.count(), packets());
    println!("FIGURE egress_canaries denied={denied} connections={connections} packets={packets}");

    let mut allowed = 0;
    let before = canaries.count();
    for entry in entries().filter(|entry| entry.allowed) {
        allowed += 1;
        wrong.extend(canaries.expect_one(&corpus, entry, None).await);
    }
    let mut redirects = 0;
    for entry in corpus.of_kinds(&["redirect"]) {
        redirects += 1;
        let (status, location) =
            (&entry.json["response"]["status"], &entry.json["response"]["location"]);
        let headers = [("location", location.as_str().unwrap())];
        let said = answer(&format!("{status} X"), &headers, "");
        wrong.extend(canaries.expect_one(&corpus, entry, Some(said)).await);
    }
    let connections = canaries.count() - before;
    println!(
        "FIGURE egress_canaries allowed={allowed} redirects={redirects} connections={connections}"
    );
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
    assert!(denied > 0 && packets == 0);
}

/// Packets that this namespace sent. Nobody else is in it.
fn packets() -> u64 {
    let devices = std::fs::read_to_string("/proc/self/net/dev").unwrap();
    let loopback = devices.lines().find_map(|line| line.trim().strip_prefix("lo:")).unwrap();
    // Eight counters of what was received come first; bytes, then packets.
    loopback.split_whitespace().nth(9).unwrap().parse().unwrap()
}

/// Listeners for every address, on every port that an entry could mean.
struct Canaries {
    accepted: Arc<AtomicUsize>,
    said: Arc<Mutex<String>>,
}

impl Canaries {
    async fn listen(corpus: &Corpus) -> Self {
        let canaries = Self { accepted: Arc::default(), said: Arc::default() };
        let tls = TlsAcceptor::from(Arc::new(self_signed()));
        for port in ports(corpus) {
            // Takes IPv4 as well.
            let listener = TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)).await.unwrap();
            let (accepted, said) = (Arc::clone(&canaries.accepted), Arc::clone(&canaries.said));
            let tls = (port == TLS_PORT).then(|| tls.clone());
            tokio::spawn(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    accepted.fetch_add(1, Ordering::SeqCst);
                    tokio::spawn(speak(stream, tls.clone(), Arc::clone(&said)));
                }
            });
        }
        canaries
    }

    fn count(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    /// Sends an entry that may be sent: it makes one connection, not more. With an answer it gets
    /// that one back, as it is.
    async fn expect_one(
        &self,
        corpus: &Corpus,
        entry: &Entry,
        said: Option<String>,
    ) -> Option<String> {
        let before = self.count();
        let wanted = entry.json["response"]["status"].as_u64().filter(|_| said.is_some());
        let prepared = gate::prepare(corpus, entry).map(Prepared::trusting_anybody);
        *self.said.lock().unwrap() = said.unwrap_or_else(|| json_answer("[]"));
        let sent = match prepared {
            Ok(prepared) => prepared.send().await.map_err(|error| error.to_string()),
            Err(denied) => Err(denied.why),
        };
        let connections = self.count() - before;
        let status = sent.as_ref().ok().map(|received| u64::from(received.status));
        let as_meant = connections == 1 && wanted.is_none_or(|wanted| status == Some(wanted));
        (!as_meant).then(|| format!("{}: {connections} connections, {sent:?}", entry.id))
    }
}

/// Answers one request, behind TLS where the port is for that.
async fn speak(mut stream: TcpStream, tls: Option<TlsAcceptor>, said: Arc<Mutex<String>>) {
    let Some(tls) = tls else {
        read_request(&mut stream).await;
        let answer = said.lock().unwrap().clone();
        // Whoever went away needs no answer.
        let _ = stream.write_all(answer.as_bytes()).await;
        return;
    };
    if let Ok(mut stream) = tls.accept(stream).await {
        read_request(&mut stream).await;
        let answer = said.lock().unwrap().clone();
        let _ = stream.write_all(answer.as_bytes()).await;
        let _ = stream.shutdown().await;
    }
}

/// Every number behind a colon that could be a port.
fn ports(corpus: &Corpus) -> BTreeSet<u16> {
    let mut ports = BTreeSet::from(PORTS);
    for entry in &corpus.entries {
        let urls = [&entry.json["url"], &entry.json["template"]["url"]];
        let allowed = texts(&corpus.policy(entry)["allow"]).into_iter();
        for text in urls.into_iter().filter_map(|url| url.as_str()).chain(allowed) {
            for piece in text.split(':').skip(1) {
                let digits = piece.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
                ports.extend(digits.parse::<u16>().ok().filter(|port| *port != 0));
            }
        }
    }
    ports
}

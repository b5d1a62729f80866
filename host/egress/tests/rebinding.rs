//! A name that leads somewhere else a moment later (DNS rebinding): what was vetted is what is
//! dialed, and every new connection is vetted anew.
//!
//! 127.0.0.1 is opened and stands for a public address; 127.0.0.2 is not and stands for a private
//! one. Both listen on the same port, so that nothing but the gate keeps a call from the second.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops where it fails")]

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use cordon_egress::{
    Gate, Lookup, LookupError, Options, Received, Resolve, SendError, Sending, Stage, Substitute,
    render,
};
use cordon_model::TenantId;
use cordon_model::grant::{EgressLimits, Grants, HttpGrant, Paths};
use cordon_model::http_request::{BodyUse, HttpRequest, Piece, ValueId};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

const ROUNDS: usize = 1_000;
const AT_ONCE: usize = 16;
const PUBLIC: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 1));
const PRIVATE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// A name service whose answer for a name changes with every question.
#[derive(Default)]
struct Rebinding {
    asked: Mutex<HashMap<String, usize>>,
    questions: AtomicUsize,
}

#[async_trait]
impl Resolve for Rebinding {
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        self.questions.fetch_add(1, Ordering::SeqCst);
        let mut asked = self.asked.lock().unwrap();
        let times = asked.entry(host.to_owned()).or_default();
        *times += 1;
        Ok(match *times {
            1 => vec![PUBLIC],
            2 => vec![PRIVATE],
            _ => vec![PUBLIC, PRIVATE],
        })
    }
}

/// Counts who comes; answers, and closes the connection.
async fn listen(address: SocketAddr) -> io::Result<(u16, Arc<AtomicUsize>)> {
    let listener = TcpListener::bind(address).await?;
    let port = listener.local_addr()?.port();
    let accepted = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&accepted);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                let _ = stream.read(&mut [0; 4096]).await;
                let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n[]";
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    Ok((port, accepted))
}

/// Both listeners on one port.
async fn listeners() -> (u16, Arc<AtomicUsize>, Arc<AtomicUsize>) {
    for _ in 0..100 {
        let (port, public) = listen(SocketAddr::new(PUBLIC, 0)).await.unwrap();
        // Taken by somebody else on the second address: another port, then.
        if let Ok((_, private)) = listen(SocketAddr::new(PRIVATE, port)).await {
            return (port, public, private);
        }
    }
    panic!("no port is free on both addresses");
}

struct Nobody;

impl Lookup for Nobody {
    fn placeholder(&self, _: &str) -> Result<Substitute<'_>, LookupError> {
        Err(LookupError::Missing)
    }

    fn secret(&self, _: &str) -> Result<Substitute<'_>, LookupError> {
        Err(LookupError::Missing)
    }

    fn value(&self, _: ValueId) -> Result<Substitute<'_>, LookupError> {
        Err(LookupError::Missing)
    }
}

async fn call(gate: &Gate, origin: &str) -> Result<Received, SendError> {
    let request = HttpRequest {
        label: "q".to_owned(),
        method: "GET".to_owned(),
        url: vec![Piece::Literal(format!("{origin}/"))],
        headers: Vec::new(),
        body: None,
        bind: Vec::new(),
        verify_tls: true,
        idempotent: None,
        success: vec![200],
        retry_statuses: Vec::new(),
        max_attempts: None,
        response_body: BodyUse::Bytes,
    };
    let rendered = render(&request, &Nobody).unwrap();
    let http = HttpGrant {
        origin: origin.parse().unwrap(),
        methods: BTreeSet::from(["GET".to_owned()]),
        paths: Paths::all(),
        unverified_tls: false,
        raw: false,
    };
    let sending = Sending {
        tenant: &TenantId::default_tenant(),
        connection: &"crm".parse().unwrap(),
        grants: &Grants { http: vec![http], ..Grants::default() },
        limits: &EgressLimits::default(),
        ca_bundle: None,
        rendered: &rendered,
        verify_tls: true,
        idempotency_key: None,
        timeout: Duration::from_secs(60),
        body: BodyUse::Bytes,
    };
    gate.send(sending).await
}

fn assert_refused(result: Result<Received, SendError>) {
    let refused = matches!(
        result,
        Err(SendError::Denied { stage: Stage::Resolve, code: "address_denied", .. })
    );
    assert!(refused, "{result:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_turns_private_is_never_dialed_there() {
    let (port, public, private) = listeners().await;
    let options = Options {
        development_networks: vec!["127.0.0.1/32".parse().unwrap()],
        ..Options::default()
    };
    let names = Arc::new(Rebinding::default());
    let gate =
        Arc::new(Gate::with_resolver(options, Arc::clone(&names) as Arc<dyn Resolve>).unwrap());
    let mut calls = JoinSet::new();
    for round in 0..ROUNDS {
        if calls.len() >= AT_ONCE {
            calls.join_next().await.unwrap().unwrap();
        }
        let gate = Arc::clone(&gate);
        calls.spawn(async move {
            let origin = format!("http://r{round}.example.com:{port}");
            assert_eq!(call(&gate, &origin).await.unwrap().status, 200);
            // Now private, then both.
            assert_refused(call(&gate, &origin).await);
            assert_refused(call(&gate, &origin).await);
        });
    }
    while let Some(call) = calls.join_next().await {
        call.unwrap();
    }
    let dialed = (public.load(Ordering::SeqCst), private.load(Ordering::SeqCst));
    println!("FIGURE rebinding rounds={ROUNDS} dials={} to_the_second={}", dialed.0, dialed.1);
    assert_eq!(dialed, (ROUNDS, 0));
    assert_eq!(names.questions.load(Ordering::SeqCst), 3 * ROUNDS, "one question for a connection");
}

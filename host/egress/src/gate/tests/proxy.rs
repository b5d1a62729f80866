//! The operator's proxy: a real little one on the loopback interface.

use std::net::SocketAddr;
use std::sync::Mutex;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::tls_upstream::{authority, start};
use super::*;

/// A proxy that writes down what it is asked. Says each status in turn, the last for ever; with a
/// 200 it leads to one address, whatever it was asked for.
struct ConnectProxy {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl ConnectProxy {
    async fn start(statuses: &[u16], leads_to: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let (seen, statuses) = (Arc::clone(&heads), statuses.to_vec());
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let head = read_head(&mut client).await;
                let nth = {
                    let mut seen = seen.lock().unwrap();
                    seen.push(head);
                    seen.len() - 1
                };
                let status = *statuses.get(nth).or(statuses.last()).unwrap();
                let answer = format!("HTTP/1.1 {status} X\r\n\r\n");
                client.write_all(answer.as_bytes()).await.unwrap();
                if status == 200 {
                    let mut upstream = TcpStream::connect(leads_to).await.unwrap();
                    tokio::spawn(async move {
                        let _ = tokio::io::copy_bidirectional(&mut client, &mut upstream).await;
                    });
                }
            }
        });
        Self { address, heads }
    }

    /// Loopback is not opened: the proxy's own address is no subject of the guard.
    fn options(&self) -> Options {
        let proxy = format!("http://{}", self.address).parse().unwrap();
        Options { proxy: Some(proxy), ..Options::default() }
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

const ADDRESS: &str = "93.184.215.14";

#[tokio::test]
async fn the_proxy_is_asked_for_the_vetted_address_whatever_the_scheme() {
    let upstream = Upstream::answering(answer("[]")).await;
    let proxy = ConnectProxy::start(&[200], upstream.address).await;
    let (gate, names) = named(proxy.options(), &[ADDRESS]);
    let call = Call::get("http://api.acme.com/v0/users");
    assert_eq!(call.send(&gate).await.unwrap().status, 200);
    assert_eq!(names.1.load(Ordering::SeqCst), 1, "one question for a connection");
    let connect = format!("CONNECT {ADDRESS}:80 HTTP/1.1\r\nHost: {ADDRESS}:80\r\n\r\n");
    assert_eq!(proxy.heads(), [connect]);
    let request = upstream.request();
    assert!(request.starts_with("GET /v0/users HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("host: api.acme.com\r\n"), "{request}");

    let authority = authority();
    let tls = start(&authority, "api.acme.com").await;
    let proxy = ConnectProxy::start(&[200], tls).await;
    let (gate, _) = named(proxy.options(), &[ADDRESS]);
    let mut call = Call::get("https://api.acme.com/");
    call.ca_bundle = Some(authority.pem());
    assert_eq!(call.send(&gate).await.unwrap().status, 200);
    let heads = proxy.heads();
    assert!(heads[0].starts_with(&format!("CONNECT {ADDRESS}:443 HTTP/1.1\r\n")), "{heads:?}");
    assert!(!heads[0].contains("acme"), "{heads:?}");
}

#[tokio::test]
async fn an_address_that_is_written_out_goes_through_the_proxy_too() {
    let upstream = Upstream::answering(answer("[]")).await;
    let proxy = ConnectProxy::start(&[200], upstream.address).await;
    let gate = Gate::new(proxy.options()).unwrap();
    assert!(Call::get(&format!("http://{ADDRESS}:8080/")).send(&gate).await.is_ok());
    assert!(Call::get("http://[2606:4700:4700::1111]/").send(&gate).await.is_ok());
    let lines: Vec<_> =
        proxy.heads().iter().map(|h| h.lines().next().unwrap().to_owned()).collect();
    let expected = [
        format!("CONNECT {ADDRESS}:8080 HTTP/1.1"),
        "CONNECT [2606:4700:4700::1111]:80 HTTP/1.1".to_owned(),
    ];
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn the_guard_stands_before_the_proxy() {
    let upstream = Upstream::answering(answer("[]")).await;
    let proxy = ConnectProxy::start(&[200], upstream.address).await;
    for address in ["10.0.0.1", "127.0.0.1", "169.254.169.254", "fd00:ec2::254"] {
        let (gate, _) = named(proxy.options(), &[ADDRESS, address]);
        let call = Call::get("http://api.acme.com/");
        assert_eq!(code(call.send(&gate).await), (Stage::Resolve, "address_denied"), "{address}");
    }
    let gate = Gate::new(proxy.options()).unwrap();
    let written = Call::get(&format!("http://{}/", proxy.address));
    assert_eq!(code(written.send(&gate).await), (Stage::Address, "address_denied"));
    assert_eq!(proxy.heads(), [""; 0]);
}

#[tokio::test]
async fn a_refusal_of_the_proxy_has_a_code_of_its_own() {
    let nowhere = "127.0.0.1:1".parse().unwrap();
    for (status, expected) in
        [(403, "proxy_refused"), (302, "proxy_refused"), (407, "proxy_authorization_required")]
    {
        let proxy = ConnectProxy::start(&[status], nowhere).await;
        let (gate, _) = named(proxy.options(), &[ADDRESS, "1.1.1.1"]);
        let result = Call::get("https://api.acme.com/").send(&gate).await;
        assert_eq!(code(result), (Stage::Connect, expected), "{status}");
        assert_eq!(proxy.heads().len(), 1, "a refusal is not asked again");
    }
    let proxy = ConnectProxy::start(&[502], nowhere).await;
    let (gate, _) = named(proxy.options(), &[ADDRESS]);
    let result = Call::get("https://api.acme.com/").send(&gate).await;
    assert_eq!(result.unwrap_err(), SendError::Unreachable { sent: false });
}

#[tokio::test]
async fn another_address_of_the_name_is_tried_when_the_proxy_cannot_reach_one() {
    let upstream = Upstream::answering(answer("[]")).await;
    let proxy = ConnectProxy::start(&[504, 200], upstream.address).await;
    let (gate, _) = named(proxy.options(), &["2606:4700:4700::1111", ADDRESS]);
    assert!(Call::get("http://api.acme.com/").send(&gate).await.is_ok());
    let heads = proxy.heads();
    assert!(heads[0].starts_with("CONNECT [2606:4700:4700::1111]:80 "), "{heads:?}");
    assert!(heads[1].starts_with(&format!("CONNECT {ADDRESS}:80 ")), "{heads:?}");
}

#[tokio::test]
async fn the_authorization_is_for_the_proxy_alone() {
    let upstream = Upstream::answering(answer("[]")).await;
    let proxy = ConnectProxy::start(&[200], upstream.address).await;
    let mut options = proxy.options();
    let known = options.proxy.take().unwrap();
    options.proxy = Some(known.with_authorization("Basic aHVudGVyMg==").unwrap());
    let (gate, _) = named(options, &[ADDRESS]);
    assert!(Call::get("http://api.acme.com/").send(&gate).await.is_ok());
    assert!(proxy.heads()[0].contains("Proxy-Authorization: Basic aHVudGVyMg==\r\n"));
    assert!(!upstream.request().to_lowercase().contains("proxy"));
}

#[tokio::test]
async fn certificates_are_checked_against_the_name_inside_the_tunnel() {
    let authority = authority();
    let misnamed = start(&authority, "evil.example").await;
    let proxy = ConnectProxy::start(&[200], misnamed).await;
    let (gate, _) = named(proxy.options(), &[ADDRESS]);
    let mut call = Call::get("https://api.acme.com/");
    call.ca_bundle = Some(authority.pem());
    assert_eq!(call.send(&gate).await.unwrap_err(), SendError::Unreachable { sent: false });
    assert_eq!(proxy.heads().len(), 1);
}

#[tokio::test]
async fn a_proxy_that_is_silent_or_away_ends_in_time() {
    let silent = Upstream::silent().await;
    let proxy = format!("http://{}", silent.address).parse().unwrap();
    let options = Options {
        proxy: Some(proxy),
        connect_timeout: Duration::from_millis(200),
        ..Options::default()
    };
    let (gate, _) = named(options, &[ADDRESS]);
    let call = Call::get("https://api.acme.com/");
    assert_eq!(call.send(&gate).await.unwrap_err(), SendError::Timeout { sent: false });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    drop(listener);
    let (gate, _) = named(Options { proxy: Some(proxy), ..Options::default() }, &[ADDRESS]);
    assert_eq!(call.send(&gate).await.unwrap_err(), SendError::Unreachable { sent: false });
}

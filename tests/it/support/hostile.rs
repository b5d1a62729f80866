//! What a hostile upstream says. Each function speaks to one connection of a
//! [`RawUpstream`](super::raw_upstream::RawUpstream), whose request was read, until the other
//! side has had enough.

use std::io::Read as _;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::raw_upstream::{answer, json_answer};

/// Between the bytes of a drip.
const DRIP: Duration = Duration::from_millis(50);
/// The value of the header that carries the secret begins with this.
const SCHEME: &str = "authorization: Basic ";

/// Says this and hangs up.
pub(crate) async fn say(mut stream: TcpStream, bytes: Vec<u8>) {
    // Whoever went away needs no answer.
    let _ = stream.write_all(&bytes).await;
}

/// Says this for ever.
async fn repeat(stream: &mut TcpStream, bytes: &[u8]) {
    while stream.write_all(bytes).await.is_ok() {}
}

/// Accepts and never answers.
pub(crate) async fn hang(_: String, mut stream: TcpStream) {
    // Comes back when the other side hangs up.
    let _ = stream.read(&mut [0]).await;
}

/// A body without an end.
pub(crate) async fn endless_body(_: String, mut stream: TcpStream) {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n[";
    if stream.write_all(head.as_bytes()).await.is_ok() {
        repeat(&mut stream, &[b' '; 64 * 1024]).await;
    }
}

/// A body that comes a byte at a time.
pub(crate) async fn drip(_: String, mut stream: TcpStream) {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n[";
    let mut said = stream.write_all(head.as_bytes()).await;
    while said.is_ok() {
        tokio::time::sleep(DRIP).await;
        said = stream.write_all(b" ").await;
    }
}

/// Half of a body, and a reset.
pub(crate) async fn reset_in_mid_body(_: String, mut stream: TcpStream) {
    let half = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n[{\"a\": 1}, ";
    let _ = stream.write_all(half.as_bytes()).await;
    let _ = stream.set_zero_linger();
}

/// A body that is shorter than its head says, and an array by itself.
pub(crate) async fn short_body(_: String, stream: TcpStream) {
    say(stream, b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n[]".to_vec()).await;
}

/// More headers than anybody needs.
pub(crate) async fn ten_thousand_headers(_: String, stream: TcpStream) {
    let headers: String = (0..10_000).map(|n| format!("x-{n}: y\r\n")).collect();
    let head = format!("HTTP/1.1 200 OK\r\n{headers}content-length: 2\r\n\r\n[]");
    say(stream, head.into_bytes()).await;
}

/// Interim answers without an end.
pub(crate) async fn interim_answers(_: String, mut stream: TcpStream) {
    repeat(&mut stream, b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n").await;
}

/// HTTP/2 where HTTP/1.1 was asked for: settings, then empty data frames.
pub(crate) async fn empty_h2_frames(_: String, stream: TcpStream) {
    let mut frames = vec![0, 0, 0, 4, 0, 0, 0, 0, 0];
    for _ in 0..10_000 {
        frames.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, 0, 1]);
    }
    say(stream, frames).await;
}

/// The secret of the request in a JSON body.
pub(crate) async fn repeat_secret_in_body(request: String, stream: TcpStream) {
    let body = format!(r#"[{{"debug": "{}"}}]"#, secret_in(&request));
    say(stream, json_answer(&body).into_bytes()).await;
}

/// The secret of the request in a header.
pub(crate) async fn repeat_secret_in_header(request: String, stream: TcpStream) {
    let value = format!("Basic x=\"{}\"", secret_in(&request));
    say(stream, answer("200 OK", &[("www-authenticate", &value)], "[]").into_bytes()).await;
}

fn secret_in(request: &str) -> &str {
    request.lines().find_map(|line| line.strip_prefix(SCHEME)).unwrap()
}

/// An answer of so many zeros, packed.
pub(crate) fn gzip_bomb(bytes: usize) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    std::io::copy(&mut std::io::repeat(0).take(bytes as u64), &mut packer).unwrap();
    let body = packer.finish().unwrap();
    let length = body.len();
    let head =
        format!("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {length}\r\n\r\n");
    [head.into_bytes(), body].concat()
}

/// Arrays in arrays, so deep, in an array of objects.
pub(crate) fn deep_json(depth: usize) -> String {
    format!("[{{\"a\": {}{}}}]", "[".repeat(depth), "]".repeat(depth))
}

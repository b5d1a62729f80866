//! The codings of bodies that the client says it reads, each decoded, counted after decoding and
//! given up when it is damaged or would be too large. What is packed is written out here, so that no
//! compressor is needed.

use super::upstream::{Upstream, gzip_answer};
use super::*;

const JSON: &[u8] = br#"[{"id":1}]"#;

/// 64 MiB of `x`, as a compressor of brotli writes them.
const BROTLI_BOMB: &str = "cbffff3ff825f0e2b14020f7fe8fffff7ff04b00c4611180eefd1fffffffe0970088c30200ddfb3ffeffffc12f01\
     10870500baf77ffcffff835f02200e0b0074effff8ffff07bf04401c1600e8defff1ffff0f7e0980382c00d0bdff\
     cbffff3ffc1200715800a07bff07";

const BOMB_BYTES: u64 = 64 << 20;

/// One that is decoded.
struct Coding {
    name: &'static str,
    pack: fn(&[u8]) -> Vec<u8>,
    bomb: fn() -> Vec<u8>,
}

const CODINGS: [Coding; 2] = [
    Coding { name: "br", pack: brotli, bomb: || hex::decode(BROTLI_BOMB).unwrap() },
    Coding { name: "zstd", pack: zstd, bomb: zstd_bomb },
];

/// A block that is not compressed, and the empty one that is the last.
fn brotli(body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() - 1).unwrap();
    // From the lowest bit: a window of 64 KiB, not the last, a length of 16 bits, as it is.
    let head = (length << 4 | 1 << 20).to_le_bytes();
    [&head[..3], body, &[3]].concat()
}

const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// No size and no checksum; a window of 128 KiB, the largest block there is.
const ZSTD_HEAD: [u8; 2] = [0, 7 << 3];

/// A block of zstd: its kind, the size of what it stands for, and what it holds.
fn block(is_last: bool, kind: u32, size: u32, content: &[u8]) -> Vec<u8> {
    let head = (u32::from(is_last) | kind << 1 | size << 3).to_le_bytes();
    [&head[..3], content].concat()
}

fn zstd(body: &[u8]) -> Vec<u8> {
    let raw = block(true, 0, u32::try_from(body.len()).unwrap(), body);
    [&ZSTD_MAGIC, ZSTD_HEAD.as_slice(), &raw].concat()
}

/// Blocks that each say one byte over and over.
fn zstd_bomb() -> Vec<u8> {
    const BLOCK: u32 = 128 << 10;
    let count = BOMB_BYTES / u64::from(BLOCK);
    let blocks = (1..=count).flat_map(|n| block(n == count, 1, BLOCK, b"x"));
    ZSTD_MAGIC.into_iter().chain(ZSTD_HEAD).chain(blocks).collect()
}

fn answer_in(coding: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-encoding: {coding}\r\ncontent-length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

async fn received(answer: Vec<u8>, options: Options) -> Result<Received, SendError> {
    let upstream = Upstream::answering(answer).await;
    Call::get(&upstream.url("/")).send(&Gate::new(options).unwrap()).await
}

#[tokio::test]
async fn the_client_asks_for_what_it_decodes() {
    let upstream = Upstream::answering(gzip_answer(JSON)).await;
    Call::get(&upstream.url("/")).send(&Gate::new(development()).unwrap()).await.unwrap();
    let request = upstream.request();
    assert!(request.contains("\r\naccept-encoding: zstd,gzip,br\r\n"), "{request}");
}

#[tokio::test]
async fn a_body_in_a_coding_that_was_asked_for_is_decoded_and_counted_after_decoding() {
    for Coding { name, pack, .. } in CODINGS {
        let body = [b'x'; 5000];
        let whole = received(answer_in(name, &pack(JSON)), development()).await.unwrap();
        assert_eq!(whole.body.as_deref(), Some(JSON), "{name}");
        let at_most = |bytes| Options { response_bytes_max: bytes, ..development() };
        let fits = received(answer_in(name, &pack(&body)), at_most(5000)).await.unwrap();
        assert_eq!(fits.size, 5000, "{name}");
        let refused = received(answer_in(name, &pack(&body)), at_most(4999)).await.unwrap_err();
        assert_eq!(refused, SendError::TooLarge { status: 200 }, "{name}");
    }
}

#[tokio::test]
async fn a_small_body_that_unpacks_to_a_large_one_is_too_large_or_not_read_to_its_end() {
    for Coding { name, bomb, .. } in CODINGS {
        let packed = bomb();
        assert!((packed.len() as u64) < BOMB_BYTES / 10_000, "{name}");
        let refused = received(answer_in(name, &packed), development()).await.unwrap_err();
        assert_eq!(refused, SendError::TooLarge { status: 200 }, "{name}");
        let room = Options { response_bytes_max: BOMB_BYTES, ..development() };
        let whole = received(answer_in(name, &packed), room).await.unwrap();
        assert_eq!(whole.size, BOMB_BYTES, "{name}: it is what it is taken for");
        let upstream = Upstream::answering(answer_in(name, &packed)).await;
        let mut unread = Call::get(&upstream.url("/"));
        unread.body = BodyUse::Discard;
        let most = development().response_bytes_max;
        let size = unread.send(&Gate::new(development()).unwrap()).await.unwrap().size;
        assert!(size > most && size < BOMB_BYTES, "{name}: {size} bytes were unpacked");
    }
}

#[tokio::test]
async fn a_body_that_ends_early_or_is_damaged_is_truncated() {
    for Coding { name, pack, .. } in CODINGS {
        let whole = pack(JSON);
        let cut = &whole[..whole.len() - 1];
        let damaged = [&[0xff; 4], &whole[4..]].concat();
        for body in [cut, &damaged, JSON] {
            let refused = received(answer_in(name, body), development()).await.unwrap_err();
            assert_eq!(refused, SendError::Truncated { status: 200 }, "{name}: {body:?}");
        }
    }
    // It wants 2 TiB to look back on.
    let window = [&ZSTD_MAGIC, [0, 31 << 3].as_slice(), &block(true, 0, 1, b"x")].concat();
    let refused = received(answer_in("zstd", &window), development()).await.unwrap_err();
    assert_eq!(refused, SendError::Truncated { status: 200 });
}

#[tokio::test]
async fn codings_on_top_of_each_other_are_not_undone() {
    let twice = answer_in("br, zstd", &zstd(&brotli(JSON)));
    let refused = received(twice, development()).await.unwrap_err();
    assert_eq!(refused, SendError::Truncated { status: 200 });
}

#[tokio::test]
async fn a_secret_that_comes_back_packed_is_found() {
    let secret = "c2VjcmV0/LXRva2Vu+";
    for Coding { name, pack, .. } in CODINGS {
        let upstream = Upstream::answering(answer_in(name, &pack(secret.as_bytes()))).await;
        let gate = Gate::new(development()).unwrap();
        let call = Call::get(&upstream.url("/")).with_secret(secret);
        let refused = call.send(&gate).await.unwrap_err();
        assert_eq!(refused, SendError::SecretReflected { status: 200 }, "{name}");
    }
}

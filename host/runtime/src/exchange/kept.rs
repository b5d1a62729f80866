//! What the journal keeps of a response. For a run that may read responses that is the headers
//! too: a repeated run must read the same ones. They stand in front of the body, in a frame that
//! only this module writes and reads; whether there is one is pinned with the segment's grants.

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};

/// What is kept of a response.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Kept {
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Option<Bytes>,
}

impl Kept {
    /// As it goes into the journal.
    pub(super) fn to_journal(&self, with_headers: bool) -> Option<Bytes> {
        if !with_headers {
            return self.body.clone();
        }
        let mut frame = BytesMut::new();
        frame.put_u32(length(self.headers.len()));
        for text in self.headers.iter().flat_map(|(name, value)| [name, value]) {
            frame.put_u32(length(text.len()));
            frame.put_slice(text.as_bytes());
        }
        frame.put_u8(u8::from(self.body.is_some()));
        frame.put_slice(self.body.as_deref().unwrap_or_default());
        Some(frame.freeze())
    }

    /// As it came out of the journal. A frame that is not whole has no headers and no body.
    pub(super) fn read(journaled: Option<Bytes>, with_headers: bool) -> Self {
        match journaled {
            Some(frame) if with_headers => Self::unframe(frame).unwrap_or_default(),
            body => Self { headers: Vec::new(), body },
        }
    }

    fn unframe(mut frame: Bytes) -> Option<Self> {
        let count = frame.try_get_u32().ok()?;
        let mut headers = Vec::new();
        for _ in 0..count {
            headers.push((text(&mut frame)?, text(&mut frame)?));
        }
        let body = match frame.try_get_u8().ok()? {
            0 => None,
            _ => Some(frame),
        };
        Some(Self { headers, body })
    }
}

fn length(of: usize) -> u32 {
    // The gate reads far less than 4 GiB of headers.
    u32::try_from(of).unwrap_or(u32::MAX)
}

fn text(frame: &mut Bytes) -> Option<String> {
    let length = usize::try_from(frame.try_get_u32().ok()?).ok()?;
    if frame.remaining() < length {
        return None;
    }
    String::from_utf8(frame.split_to(length).into()).ok()
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_kept_comes_back(
            headers in vec((".*", ".*"), 0..4),
            body in proptest::option::of(vec(any::<u8>(), 0..32)),
        ) {
            let kept = Kept { headers, body: body.map(Bytes::from) };
            prop_assert_eq!(&Kept::read(kept.to_journal(true), true), &kept);
            let without = Kept { headers: Vec::new(), body: kept.body.clone() };
            prop_assert_eq!(Kept::read(kept.to_journal(false), false), without);
        }

        #[test]
        fn a_broken_frame_is_no_panic(frame in vec(any::<u8>(), 0..32)) {
            Kept::read(Some(frame.into()), true);
        }
    }
}

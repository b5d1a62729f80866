//! What a request is recognized by: everything that goes out, with secrets by name.
//!
//! Runs of text and names of secrets, each with its length, so that nothing can be shifted from
//! one part to another without changing the sketch.

use cordon_model::journal::Fingerprint;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

/// Collects the parts of one request.
#[derive(Default)]
pub(super) struct Sketch {
    done: Zeroizing<Vec<u8>>,
    /// Text since the last secret or part.
    run: Zeroizing<Vec<u8>>,
}

impl Sketch {
    /// Begins a part: `m`ethod, `u`rl, `h`eader name, header `v`alue, `b`ody.
    pub(super) fn begin(&mut self, part: u8) {
        self.end_run();
        self.done.push(part);
    }

    /// Text that is sent as it is here. Adjacent texts are one.
    pub(super) fn plain(&mut self, text: &str) {
        self.run.extend_from_slice(text.as_bytes());
    }

    /// The place of a secret.
    pub(super) fn secret(&mut self, name: &str) {
        self.end_run();
        push(&mut self.done, b's', name.as_bytes());
    }

    fn end_run(&mut self) {
        if !self.run.is_empty() {
            push(&mut self.done, b't', &self.run);
            self.run.clear();
        }
    }

    /// HMAC-SHA256 over the sketch.
    pub(super) fn mac(&self, key: &[u8]) -> Fingerprint {
        let mut done = Zeroizing::new(self.done.to_vec());
        if !self.run.is_empty() {
            push(&mut done, b't', &self.run);
        }
        // HMAC takes a key of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; 32] };
        mac.update(&done);
        mac.finalize().into_bytes().into()
    }
}

fn push(out: &mut Vec<u8>, kind: u8, bytes: &[u8]) {
    out.push(kind);
    out.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
    out.extend_from_slice(bytes);
}

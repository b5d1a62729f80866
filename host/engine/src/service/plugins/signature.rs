//! Signatures of plugins: who vouches for a component, under which name and version.
//!
//! A signature is a file of minisign. Only the prehashed form is taken. It is checked over exactly
//! the bytes that are compiled, when a plugin is installed, and again at every start of the host;
//! its trusted comment says the name and the version, so that a good signature of one plugin does
//! not serve another. Plugins that come with the host are part of it and need none.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use cordon_model::Problem;
use cordon_model::plugin::{InstalledPlugin, PluginRef, PluginSignature};
use minisign_verify::{Error as Refusal, PublicKey, Signature};

use crate::{Error, Services};

/// Where the number of a key stands in its bytes.
const KEY_ID: std::ops::Range<usize> = 2..10;

/// Somebody whose signature counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publisher {
    /// What the operator calls it.
    pub name: String,
    /// What it signed does not run any more, whether signatures are required or not.
    pub revoked: bool,
    key: PublicKey,
    key_id: String,
}

impl Publisher {
    /// A publisher with a public key of minisign: the line of its file that begins with `RW`.
    /// None when that is not one.
    pub fn new(name: String, public_key: &str, revoked: bool) -> Option<Self> {
        let key = PublicKey::from_base64(public_key).ok()?;
        let bytes = STANDARD.decode(public_key).ok()?;
        let number: [u8; 8] = bytes.get(KEY_ID)?.try_into().ok()?;
        let key_id = format!("{:016X}", u64::from_le_bytes(number));
        Some(Self { name, revoked, key, key_id })
    }

    /// Which key it is, as minisign shows it: 16 hexadecimal digits.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }
}

/// What a good signature vouches for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Vouched {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) signature: PluginSignature,
}

/// Why a signature does not count.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Doubt {
    Missing,
    TooLong(usize),
    Malformed,
    Legacy,
    UnknownKey,
    Revoked(String),
    Wrong(String),
    Comment,
    Other { signed: String, wanted: String },
}

impl Doubt {
    const fn code(&self) -> &'static str {
        match self {
            Self::Missing => "signature_missing",
            Self::TooLong(_) | Self::Malformed | Self::Legacy => "signature_malformed",
            Self::UnknownKey => "publisher_unknown",
            Self::Revoked(_) => "publisher_revoked",
            Self::Wrong(_) => "signature_wrong",
            Self::Comment | Self::Other { .. } => "signature_mismatch",
        }
    }

    pub(super) fn problem(&self) -> Problem {
        Problem::error(self.code(), "", self.to_string())
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str(
                "this host takes signed plugins only; send the .minisig file of the component \
                 with it (--signature FILE)",
            ),
            Self::TooLong(max) => write!(f, "a signature may have {max} bytes at most"),
            Self::Malformed => f.write_str("this is no signature of minisign"),
            Self::Legacy => {
                f.write_str("the signature is of the old form, which is not prehashed; sign anew")
            }
            Self::UnknownKey => {
                f.write_str("the signature is of a key that none of [[plugins.publishers]] has")
            }
            Self::Revoked(publisher) => {
                write!(f, "the key of the publisher {publisher} is revoked")
            }
            Self::Wrong(publisher) => write!(
                f,
                "the signature of the publisher {publisher} is not over this component and this \
                 comment"
            ),
            Self::Comment => f.write_str(
                "the trusted comment of the signature must read `cordon name=NAME version=VERSION`",
            ),
            Self::Other { signed, wanted } => {
                write!(f, "the signature is of {signed}, not of {wanted}")
            }
        }
    }
}

/// Who vouches for a component with a signature, and as what.
pub(super) fn verify(
    publishers: &[Publisher],
    text: &str,
    component: &[u8],
) -> Result<Vouched, Doubt> {
    let signature = Signature::decode(text).map_err(|_| Doubt::Malformed)?;
    for publisher in publishers {
        let named = || publisher.name.clone();
        match publisher.key.verify(component, &signature, false) {
            Err(Refusal::UnexpectedKeyId) => {}
            Err(Refusal::UnexpectedAlgorithm) => return Err(Doubt::Legacy),
            Err(_) => return Err(Doubt::Wrong(named())),
            Ok(()) if publisher.revoked => return Err(Doubt::Revoked(named())),
            Ok(()) => {
                let trusted_comment = signature.trusted_comment().to_owned();
                let (name, version) = read_comment(&trusted_comment).ok_or(Doubt::Comment)?;
                let key_id = publisher.key_id.clone();
                let (publisher, text) = (named(), text.to_owned());
                let signature = PluginSignature { publisher, key_id, trusted_comment, text };
                return Ok(Vouched { name, version, signature });
            }
        }
    }
    Err(Doubt::UnknownKey)
}

/// `cordon name=shop version=1.2.0`, and nothing else: what is signed and not understood would be
/// signed in vain.
fn read_comment(comment: &str) -> Option<(String, String)> {
    let mut words = comment.split(' ');
    let (first, name, version) = (words.next()?, words.next()?, words.next()?);
    let (name, version) = (name.strip_prefix("name=")?, version.strip_prefix("version=")?);
    let whole = first == "cordon" && words.next().is_none();
    let plain = PluginRef::is_name(name) && PluginRef::is_version(version);
    (whole && plain).then(|| (name.to_owned(), version.to_owned()))
}

impl Services {
    /// Who vouches for a component that somebody wants to install; none: nobody, and nobody has to.
    ///
    /// # Errors
    /// A signature that is given and does not count, or none where one is required.
    pub(super) async fn vouched(
        &self,
        text: Option<String>,
        component: &Bytes,
    ) -> Result<Option<Vouched>, Error> {
        let refused = |doubt: Doubt| Error::problem(doubt.problem());
        let Some(text) = text else {
            return match self.options.plugin_signatures_required {
                true => Err(refused(Doubt::Missing)),
                false => Ok(None),
            };
        };
        let most = self.options.plugin_signature_bytes_max;
        if text.len() > most {
            return Err(refused(Doubt::TooLong(most)));
        }
        self.verified(text, component).await?.map(Some).map_err(refused)
    }

    /// Whether a stored plugin may be loaded: why not.
    ///
    /// # Errors
    /// When it could not be looked at.
    pub(super) async fn doubted(
        &self,
        plugin: &InstalledPlugin,
        component: &Bytes,
    ) -> Result<Option<String>, Error> {
        let required = self.options.plugin_signatures_required;
        let Some(signature) = &plugin.signature else {
            return Ok(required.then(|| {
                "it is not signed, and plugins.require_signatures is set; install it again with \
                 its signature"
                    .to_owned()
            }));
        };
        let PluginRef { name, version, .. } = &plugin.reference;
        let doubt = match self.verified(signature.text.clone(), component).await? {
            Ok(vouched) if (&vouched.name, &vouched.version) == (name, version) => return Ok(None),
            Ok(Vouched { name: of, version: as_of, .. }) => Doubt::Other {
                signed: format!("{of} {as_of}"),
                wanted: format!("{name} {version}"),
            },
            Err(doubt) => doubt,
        };
        // Whoever revokes a key wants nothing of it to run, whatever else is taken.
        let counts = required || matches!(doubt, Doubt::Revoked(_));
        Ok(counts.then(|| format!("its signature does not count: {doubt}")))
    }

    /// Away from the threads that serve: hashing a large component takes a while.
    async fn verified(
        &self,
        text: String,
        component: &Bytes,
    ) -> Result<Result<Vouched, Doubt>, Error> {
        let (publishers, component) = (self.options.plugin_publishers.clone(), component.clone());
        let verifying = move || verify(&publishers, &text, &component);
        let verified = tokio::task::spawn_blocking(verifying).await;
        verified.map_err(|_| Error::Unavailable("a signature could not be checked".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use minisign::KeyPair;

    const GOOD: &str = "cordon name=shop version=1.2.0";

    fn pair() -> KeyPair {
        KeyPair::generate_unencrypted_keypair().unwrap()
    }

    fn publisher(name: &str, pair: &KeyPair) -> Publisher {
        Publisher::new(name.to_owned(), &pair.pk.to_base64(), false).unwrap()
    }

    fn signed(pair: &KeyPair, component: &[u8], comment: &str) -> String {
        let signed = minisign::sign(Some(&pair.pk), &pair.sk, component, Some(comment), None);
        signed.unwrap().into_string()
    }

    #[test]
    fn a_good_signature_says_who_and_what() {
        let (pair, other) = (pair(), pair());
        let publishers = [publisher("other", &other), publisher("acme", &pair)];
        let text = signed(&pair, b"component", GOOD);
        let vouched = verify(&publishers, &text, b"component").unwrap();
        assert_eq!((vouched.name.as_str(), vouched.version.as_str()), ("shop", "1.2.0"));
        assert_eq!(vouched.signature.publisher, "acme");
        assert_eq!(vouched.signature.key_id, publishers[1].key_id());
        let boxed = pair.pk.to_box().unwrap().into_string();
        assert!(boxed.contains(publishers[1].key_id()), "as minisign shows it: {boxed}");
        assert_eq!(vouched.signature.text, text);
    }

    #[test]
    fn every_other_signature_is_doubted() {
        let (pair, other) = (pair(), pair());
        let publishers = [publisher("acme", &pair)];
        let text = signed(&pair, b"component", GOOD);
        let wrong = Doubt::Wrong("acme".to_owned());
        assert_eq!(verify(&publishers, &text, b"another").unwrap_err(), wrong);
        assert_eq!(
            verify(&publishers, "no signature", b"component").unwrap_err(),
            Doubt::Malformed
        );
        let stranger = signed(&other, b"component", GOOD);
        assert_eq!(verify(&publishers, &stranger, b"component").unwrap_err(), Doubt::UnknownKey);
        assert_eq!(verify(&[], &text, b"component").unwrap_err(), Doubt::UnknownKey);
        let altered = text.replace("1.2.0", "1.3.0");
        assert_eq!(verify(&publishers, &altered, b"component").unwrap_err(), wrong);
        let revoked = Publisher::new("acme".into(), &pair.pk.to_base64(), true).unwrap();
        let doubt = verify(&[revoked], &text, b"component").unwrap_err();
        assert_eq!(doubt, Doubt::Revoked("acme".into()));
    }

    #[test]
    fn a_comment_that_says_anything_else_is_refused() {
        let pair = pair();
        let publishers = [publisher("acme", &pair)];
        for comment in [
            "timestamp:1\tfile:shop.wasm",
            "cordon name=shop",
            "cordon version=1.2.0 name=shop",
            "cordon name=shop version=1.2.0 expires=2027",
            "cordon  name=shop version=1.2.0",
            "cordon name=Shop version=1.2.0",
        ] {
            let text = signed(&pair, b"component", comment);
            assert_eq!(verify(&publishers, &text, b"component").unwrap_err(), Doubt::Comment);
        }
    }

    #[test]
    fn the_old_form_which_is_not_prehashed_is_refused() {
        let pair = pair();
        let text = signed(&pair, b"component", GOOD);
        let line = text.lines().nth(1).unwrap();
        let mut bytes = STANDARD.decode(line).unwrap();
        assert_eq!(&bytes[..2], b"ED");
        bytes[..2].copy_from_slice(b"Ed");
        let old = text.replace(line, &STANDARD.encode(bytes));
        let doubt = verify(&[publisher("acme", &pair)], &old, b"component").unwrap_err();
        assert_eq!(doubt, Doubt::Legacy);
    }

    #[test]
    fn what_is_no_public_key_is_no_publisher() {
        for text in ["", "RW", "not base64!", &"A".repeat(56)] {
            assert_eq!(Publisher::new("x".into(), text, false), None);
        }
    }
}

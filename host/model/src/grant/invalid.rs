//! Why a grant cannot be written. Every message names the remedy and never repeats the text.

/// Why a text is no grant that can be enforced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidGrant {
    /// No scheme, or one that is never called.
    #[error("must begin with https:// or http://; nothing else is ever called")]
    Scheme,
    /// User or password.
    #[error("must not hold a user or a password; send them in a header")]
    UserInfo,
    /// More than an origin.
    #[error("must end after host and port; a path belongs into path or path_prefix")]
    PathInOrigin,
    /// No port.
    #[error("the port must be a number from 1 to 65535, written plainly, or *")]
    Port,
    /// No host, or a form that parsers would rewrite.
    #[error(
        "the host must be a plain name without a trailing dot (in its xn-- form where it is not \
         ASCII) or an address in its usual form"
    )]
    Host,
    /// A `*` that is neither a host of its own nor its first label.
    #[error("a * may stand only as the first label, like https://*.acme.com; name each host")]
    Wildcard,
    /// A wildcard over names of many owners.
    #[error(
        "a * over a public suffix, or over a domain that holds some, covers everybody's hosts; \
         name the domain below it"
    )]
    PublicSuffix,
    /// No path prefix.
    #[error(
        "must begin with /, hold whole segments without '.', '..', * or encoded slashes, and no \
         query; a prefix covers what is below it"
    )]
    PathPrefix,
    /// No exact path.
    #[error(
        "must begin with /, hold whole segments without '.', '..', * or encoded slashes, and no \
         query; it stands for itself alone, a trailing slash included"
    )]
    Path,
    /// An exact path and a prefix.
    #[error(
        "stands beside path_prefix; keep path for that path alone, or path_prefix for it and \
         what is below it"
    )]
    PathAndPrefix,
    /// No verb.
    #[error("must be a verb like GET; TRACE and CONNECT are never sent")]
    Method,
    /// No network.
    #[error("must be a network in its usual form, like 10.20.0.0/16 or fd12:3456::/32")]
    Network,
    /// An address with a prefix.
    #[error("has bits set after its prefix; write the network's first address, or /32 or /128")]
    HostBits,
    /// Too many addresses.
    #[error("is too wide; at most /8 for IPv4 and /16 for IPv6")]
    TooWide,
    /// Addresses that no grant opens.
    #[error(
        "must lie within 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10 or fc00::/7 and \
         hold no metadata service; loopback, link-local and multicast addresses are never granted"
    )]
    NotPrivate,
    /// A secret towards everybody.
    #[error("a secret is granted towards hosts that are named, not towards any host")]
    SecretToAnyHost,
}

impl InvalidGrant {
    /// The stable word, listed in `docs/errors.md`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Scheme => "invalid_scheme",
            Self::UserInfo => "userinfo_in_origin",
            Self::PathInOrigin => "path_in_origin",
            Self::Port => "invalid_port",
            Self::Host => "invalid_host",
            Self::Wildcard => "invalid_wildcard",
            Self::PublicSuffix => "wildcard_too_wide",
            Self::PathPrefix => "invalid_path_prefix",
            Self::Path => "invalid_path",
            Self::PathAndPrefix => "path_and_path_prefix",
            Self::Method => "invalid_method",
            Self::Network => "invalid_network",
            Self::HostBits => "host_bits_set",
            Self::TooWide => "network_too_wide",
            Self::NotPrivate => "network_not_grantable",
            Self::SecretToAnyHost => "secret_to_any_host",
        }
    }
}

//! What the tests share: hosts, upstreams, packages, and the source document's example.

pub(crate) mod client;
pub(crate) mod event_stream;
pub(crate) mod hostile;
pub(crate) mod manual;
pub(crate) mod manual_clock;
pub(crate) mod needles;
pub(crate) mod package;
pub(crate) mod publisher;
pub(crate) mod raw_upstream;
pub(crate) mod receiver;
pub(crate) mod seed;
pub(crate) mod stranger;
pub(crate) mod target;
pub(crate) mod test_host;
pub(crate) mod test_process;
pub(crate) mod upstream;

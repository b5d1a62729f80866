//! What the queries of a connection mean on the wire, row by row: statuses, retries, deadlines,
//! verbs, redirects, bodies, placeholders. Each test asks a running host through its API and looks
//! at what an upstream saw. `hostile_upstream` has the answers that keep to no protocol, `access`
//! and `erasure` the ordinary ones.

mod bench;
mod deadlines;
mod idempotency;
mod memory;
mod placeholders;
mod retries;
mod tls;
mod wire;

//! The integration tests of Cordon live in `it/`; this library is empty.

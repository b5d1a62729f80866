//! The conformance suite on redb.

crate::conformance::suite!(crate::tests::fresh);

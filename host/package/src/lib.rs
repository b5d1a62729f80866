//! Packages: the zip that answers the data subject, and where it is kept.
//!
//! [`ZipPackages`] implements the port [`cordon_model::port::Packages`]. What connections returned
//! is flattened into CSV files that a person can open, beside JSON files that lose nothing; files
//! that a person supplied are kept as they are; a page shows all of it to a reader without tools, and
//! a manifest says what each file is and what is missing. The same contents always make the same
//! bytes, so a package is named by its digest, created once and never overwritten.
//!
//! What this crate deliberately does not do: it knows no policy and no request state, it never
//! deletes a package, and it holds no key: sealing is the port [`cordon_model::port::Sealer`].
//! This is the only crate that names `object_store`. Called by the engine, through the port.

mod archive;
mod bundle;
mod destination;
mod error;
mod file_name;
mod flatten;
mod folder;
mod leaves;
mod manifest;
mod options;
mod page;
mod table;
mod zip_packages;

pub use destination::{Destination, Destinations};
pub use error::Error;
pub use options::Options;
pub use zip_packages::ZipPackages;

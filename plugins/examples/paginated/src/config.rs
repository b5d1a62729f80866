//! The configuration: where the API is, and how its pages are asked for.

use cordon_connector_sdk::failure;
use cordon_connector_sdk::reading::{Node, Problems, parse};
use cordon_connector_sdk::types::{Failure, FailureCode};

const PAGE_SIZE_DEFAULT: u64 = 50;
const MAX_PAGES_DEFAULT: u32 = 100;

/// A configuration without an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Config {
    pub(crate) origin: String,
    pub(crate) page_size: u64,
    pub(crate) max_pages: u32,
    /// Whether access returns the profile as well.
    pub(crate) profile: bool,
}

impl Config {
    /// Reads a whole connection object; every problem is reported.
    pub(crate) fn read(connection: &str, problems: &mut Problems) -> Option<Self> {
        let document = parse(connection, problems)?;
        // The other fields of a connection are checked by the host.
        let connection = Node::root(&document).object(problems)?;
        let config = connection.required("config", problems)?.object(problems)?;
        config.only(&["origin", "page_size", "max_pages", "profile"], problems);
        let origin = config.required("origin", problems).and_then(|node| node.origin(problems));
        let mut number = |name: &str, max: u64| {
            config.field(name).and_then(|node| node.whole_number(1..=max, problems))
        };
        let page_size = number("page_size", 100).unwrap_or(PAGE_SIZE_DEFAULT);
        let max_pages = number("max_pages", 1000).and_then(|pages| u32::try_from(pages).ok());
        let max_pages = max_pages.unwrap_or(MAX_PAGES_DEFAULT);
        let profile = config.field("profile").and_then(|node| node.boolean(problems));
        let profile = profile.unwrap_or_default();
        let origin = origin.filter(|_| problems.errors() == 0)?.to_owned();
        Some(Self { origin, page_size, max_pages, profile })
    }

    /// Reads what `validate` found no error in.
    pub(crate) fn read_checked(connection: &str) -> Result<Self, Failure> {
        let mut problems = Problems::default();
        let config = Self::read(connection, &mut problems);
        config.ok_or_else(|| {
            let first = problems.first_error().map_or("", |problem| problem.message.as_str());
            failure(FailureCode::InvalidConfig, first)
        })
    }
}

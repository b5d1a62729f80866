//! A look at the bytes of a component before anything is compiled: what can be said by parsing
//! and validating alone.
//!
//! Compiling is where an attacker's bytes cost most, so everything that bounds it is checked
//! here: sizes, counts, and the proposals that the engine refuses anyway. Knows no wasmtime.

use cordon_model::plugin::PluginRef;
use wasmparser::{
    BinaryReader, BinaryReaderError, ComponentName, ComponentNameSectionReader, Encoding, Parser,
    Payload, Validator,
};

use crate::error::Error;
use crate::options::Options;
use crate::proposals;

/// Size of a page of memory; another one is a proposal that is refused.
const PAGE_BYTES: usize = 64 << 10;

/// What code begins with that was compiled from a component (`.cwasm`): running it would be running
/// whatever somebody wrote, without a sandbox.
const ELF: &[u8] = b"\x7fELF";

/// Most characters of an import's name that are shown.
const NAME_CHARS_MAX: usize = 100;

/// What was seen. Shown to whoever uploads it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Seen {
    /// Its imports, in their order.
    pub(crate) imports: Vec<String>,
    /// The name that it gives itself, where a plugin can have it.
    pub(crate) name: Option<String>,
    /// The version that it gives itself, where a plugin can have it.
    pub(crate) version: Option<String>,
    modules: usize,
    components: usize,
    functions: usize,
    memories: usize,
    tables: usize,
    /// Of all memories, as they are declared.
    pages: usize,
    /// Of all tables, as they are declared.
    elements: usize,
}

/// The WASI that the runtime of a language may ask for. It finds nothing behind it.
const WASI: [&str; 7] = ["cli", "clocks", "random", "io", "filesystem", "sockets", "http"];

/// What can be said without compiling: it is a valid component, imports the contract and perhaps
/// WASI, and is not too large to compile.
///
/// # Errors
/// With the first reason against it, or with every import that it must not have.
pub(crate) fn look(bytes: &[u8], options: &Options) -> Result<Seen, Error> {
    let (size, max) = (bytes.len(), options.component_bytes_max);
    if size > max {
        return Err(Error::ComponentTooLarge { size, max });
    }
    if bytes.starts_with(ELF) {
        return Err(Error::CompiledCode);
    }
    if !Parser::is_component(bytes) {
        return Err(Error::NotAComponent("no component header".to_owned()));
    }
    let seen = count(bytes, options)?;
    Validator::new_with_features(proposals::allowed())
        .validate_all(bytes)
        .map_err(|error| Error::not_a_component(&error))?;
    Ok(seen)
}

/// The counts come before the validation: they bound its work.
fn count(bytes: &[u8], options: &Options) -> Result<Seen, Error> {
    let broken = |e: BinaryReaderError| Error::not_a_component(&e);
    let mut seen = Seen::default();
    let mut foreign = Vec::new();
    // How many modules and components the parser is inside of.
    let mut depth: usize = 0;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(broken)? {
            Payload::Version { encoding, .. } => {
                depth += 1;
                match encoding {
                    Encoding::Component => seen.components += 1,
                    Encoding::Module => seen.modules += 1,
                }
                limit("nested modules and components", depth, options.nesting_max)?;
                limit("components in it", seen.components, options.components_max)?;
                limit("modules in it", seen.modules, options.modules_max)?;
            }
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(imports) if depth == 1 => {
                for import in imports {
                    let name = import.map_err(broken)?.name.name;
                    let known = is_of_the_contract(name) || is_wasi(name);
                    let list = if known { &mut seen.imports } else { &mut foreign };
                    limit("imports", list.len() + 1, options.imports_max)?;
                    list.push(shown(name));
                }
            }
            Payload::CustomSection(section) if depth == 1 => match section.name() {
                "component-name" => seen.name = name_in(section.data_reader()),
                "version" => seen.version = version_in(section.data()),
                _ => {}
            },
            Payload::FunctionSection(functions) => {
                seen.functions += functions.count() as usize;
                limit("functions", seen.functions, options.functions_max)?;
            }
            Payload::MemorySection(memories) => {
                seen.memories += memories.count() as usize;
                limit("memories", seen.memories, options.memories_max as usize)?;
                for memory in memories {
                    let pages = saturated(memory.map_err(broken)?.initial);
                    seen.pages = seen.pages.saturating_add(pages);
                    let max = options.memory_bytes_max / PAGE_BYTES;
                    limit("pages of memory from the start", seen.pages, max)?;
                }
            }
            Payload::TableSection(tables) => {
                seen.tables += tables.count() as usize;
                limit("tables", seen.tables, options.tables_max as usize)?;
                for table in tables {
                    let elements = saturated(table.map_err(broken)?.ty.initial);
                    seen.elements = seen.elements.saturating_add(elements);
                    let max = options.table_elements_max;
                    limit("table elements from the start", seen.elements, max)?;
                }
            }
            Payload::CodeSectionEntry(function) => {
                let (size, max) = (function.range().len(), options.function_bytes_max);
                if size > max {
                    return Err(Error::FunctionTooLarge { size, max });
                }
            }
            _ => {}
        }
    }
    if foreign.is_empty() { Ok(seen) } else { Err(Error::ForeignImports(foreign)) }
}

/// The name of the component in the section where tools write it. It may be anything; what cannot
/// be the name of a plugin is none.
fn name_in(reader: BinaryReader<'_>) -> Option<String> {
    let names = ComponentNameSectionReader::new(reader);
    let name = names.into_iter().map_while(Result::ok).find_map(|name| match name {
        ComponentName::Component { name, .. } => Some(name),
        _ => None,
    });
    name.filter(|name| PluginRef::is_name(name)).map(str::to_owned)
}

fn version_in(section: &[u8]) -> Option<String> {
    let version = std::str::from_utf8(section).ok()?.trim();
    PluginRef::is_version(version).then(|| version.to_owned())
}

/// A name of the component's as a person may be shown it.
fn shown(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_graphic() { c } else { '\u{fffd}' };
    name.chars().map(plain).take(NAME_CHARS_MAX).collect()
}

fn saturated(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn limit(what: &'static str, count: usize, max: usize) -> Result<(), Error> {
    if count > max { Err(Error::TooMany { what, max }) } else { Ok(()) }
}

/// `cordon:connector/<interface>@0.1.<patch>`.
fn is_of_the_contract(import: &str) -> bool {
    let version = import.strip_prefix("cordon:connector/").and_then(|rest| rest.split_once('@'));
    version.is_some_and(|(_, version)| is_patch_of("0.1.", version))
}

/// `wasi:<package>/<interface>@0.2.<patch>`.
fn is_wasi(import: &str) -> bool {
    let parts = import.strip_prefix("wasi:").and_then(|rest| rest.split_once('/'));
    parts.is_some_and(|(package, rest)| {
        let version = rest.split_once('@');
        WASI.contains(&package) && version.is_some_and(|(_, v)| is_patch_of("0.2.", v))
    })
}

fn is_patch_of(minor: &str, version: &str) -> bool {
    let patch = version.strip_prefix(minor);
    patch.is_some_and(|patch| !patch.is_empty() && patch.bytes().all(|b| b.is_ascii_digit()))
}

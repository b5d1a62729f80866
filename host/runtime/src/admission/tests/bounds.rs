//! Every limit of an admission at its very bound: what has exactly so much is taken in, or comes to
//! the next check; what has one more is refused in words that name the limit and its value.

use std::fmt::Write as _;

use wasmtime::Store;
use wasmtime::component::Linker;

use super::*;
use crate::compiler;
use crate::guest_memory::GuestMemory;
use crate::limits::Limits;

/// How far what stays within the limit can be followed here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Follow {
    /// It is validated; what comes then has a limit or a test of its own.
    Look,
    /// It is compiled, too, and an instance of it is made, within the limits of one call.
    Instance,
}

struct Bound {
    option: &'static str,
    max: fn(&Options) -> usize,
    /// A valid component that has so much.
    of: fn(usize) -> Vec<u8>,
    /// What a refusal says of this maximum; it stands in the message as it is.
    said: fn(usize) -> String,
    follow: Follow,
}

const BOUNDS: [Bound; 12] = [
    Bound {
        option: "component_bytes_max",
        max: |options| options.component_bytes_max,
        of: of_bytes,
        said: |max| format!("the component has {} bytes; {max} are allowed", max + 1),
        follow: Follow::Instance,
    },
    Bound {
        option: "function_bytes_max",
        max: |options| options.function_bytes_max,
        of: with_function_of,
        said: |max| format!("a function of the component has {} bytes; {max} are allowed", max + 1),
        follow: Follow::Instance,
    },
    Bound {
        option: "functions_max",
        max: |options| options.functions_max,
        // Over all its modules.
        of: |n| {
            let (one, other) = ("(func)".repeat(n / 2), "(func)".repeat(n - n / 2));
            component(&format!("(core module {one}) (core module {other})"))
        },
        said: |max| format!("too many functions; {max} are allowed"),
        follow: Follow::Look,
    },
    Bound {
        option: "modules_max",
        max: |options| options.modules_max,
        of: |n| component(&"(core module)".repeat(n)),
        said: |max| format!("too many modules in it; {max} are allowed"),
        follow: Follow::Instance,
    },
    Bound {
        option: "components_max",
        max: |options| options.components_max,
        // Itself is one of them.
        of: |n| component(&"(component)".repeat(n - 1)),
        said: |max| format!("too many components in it; {max} are allowed"),
        follow: Follow::Instance,
    },
    Bound {
        option: "imports_max",
        max: |options| options.imports_max,
        of: |n| {
            let import = |n| format!("(import \"wasi:io/i{n}@0.2.0\" (instance))");
            component(&(0..n).map(import).collect::<String>())
        },
        said: |max| format!("too many imports; {max} are allowed"),
        follow: Follow::Look,
    },
    Bound {
        option: "nesting_max",
        max: |options| options.nesting_max,
        // Components in components, and in the innermost a module.
        of: |n| {
            let (begins, ends) = ("(component ".repeat(n - 2), ")".repeat(n - 2));
            component(&format!("{begins}(core module){ends}"))
        },
        said: |max| format!("too many nested modules and components; {max} are allowed"),
        follow: Follow::Instance,
    },
    Bound {
        option: "memories_max",
        max: |options| options.memories_max as usize,
        // More than one in a module is a proposal that is refused.
        of: |n| instances_of_each("(memory 1)", n),
        said: |max| format!("too many memories; {max} are allowed"),
        follow: Follow::Instance,
    },
    Bound {
        option: "memory_bytes_max",
        max: |options| options.memory_bytes_max / PAGE_BYTES,
        // Over all its memories.
        of: |pages| {
            let memory = |pages| format!("(core module $m{pages} (memory {pages}))");
            let instance = |pages| format!("(core instance (instantiate $m{pages}))");
            let parts = [1, pages - 1];
            component(&parts.map(|n| memory(n) + &instance(n)).concat())
        },
        said: |max| format!("too many pages of memory from the start; {max} are allowed"),
        follow: Follow::Instance,
    },
    Bound {
        option: "tables_max",
        max: |options| options.tables_max as usize,
        of: |n| instances_of_each("(table 1 funcref)", n),
        said: |max| format!("too many tables; {max} are allowed"),
        follow: Follow::Instance,
    },
    Bound {
        option: "table_elements_max",
        max: |options| options.table_elements_max,
        // Over all its tables.
        of: |n| {
            let tables = format!("(table {} funcref) (table {} funcref)", n / 2, n - n / 2);
            instances_of_each(&tables, 1)
        },
        said: |max| format!("too many table elements from the start; {max} are allowed"),
        follow: Follow::Instance,
    },
    Bound {
        option: "core_instances_max",
        max: |options| options.core_instances_max as usize,
        // Found when it is compiled: instances multiply where components are instantiated twice.
        of: |n| {
            let instances = "(core instance (instantiate $m))".repeat(n);
            component(&format!("(core module $m) {instances}"))
        },
        said: |max| format!("the configured maximum of {max}"),
        follow: Follow::Instance,
    },
];

const PAGE_BYTES: usize = 64 << 10;

fn component(parts: &str) -> Vec<u8> {
    let parsed = wat::parse_str(format!("(component {parts})"));
    // An error repeats the text, which may be megabytes.
    parsed.map_err(|_| parts.chars().take(200).collect::<String>()).unwrap()
}

/// Modules that hold this each, and an instance of every one.
fn instances_of_each(content: &str, count: usize) -> Vec<u8> {
    let mut parts = String::new();
    for n in 0..count {
        let _ = write!(parts, "(core module $m{n} {content}) (core instance (instantiate $m{n}))");
    }
    component(&parts)
}

/// A component of exactly so many bytes: padded with a section that says nothing.
fn of_bytes(bytes: usize) -> Vec<u8> {
    // Too long a padding by at most the bytes of its own length.
    for padding in (0..bytes - COMPONENT.len()).rev().take(16) {
        let padded = with_custom("x", &vec![0; padding]);
        if padded.len() == bytes {
            return padded;
        }
    }
    panic!("no component has {bytes} bytes")
}

/// A component with a function whose body is exactly so many bytes long.
fn with_function_of(bytes: usize) -> Vec<u8> {
    // No locals, and the end.
    let body = "nop ".repeat(bytes - 2);
    component(&format!("(core module (func {body}))"))
}

/// Everything that stands between the bytes of a component and a call into it.
async fn follow(bytes: &[u8], options: &Options, how: Follow) -> Result<(), Error> {
    look::look(bytes, options)?;
    if how == Follow::Look {
        return Ok(());
    }
    let engine = compiler::engine(options)?;
    let component = cache::fresh(&engine, &compile::native(&engine, bytes)?)?;
    let share = GuestMemory::new(options.guest_memory_bytes()).share(&Caller::admitting(None));
    let mut store = Store::new(&engine, Limits::new(options, share));
    store.limiter(|limits| limits);
    store.set_epoch_deadline(1);
    let instance = Linker::new(&engine).instantiate_async(&mut store, &component).await;
    instance.map_err(|error| Error::unloadable(&format!("{error:#}")))?;
    Ok(())
}

#[tokio::test]
async fn each_limit_lets_in_what_is_at_its_bound_and_refuses_one_more_in_its_own_words() {
    // One instance of a component must fit; the pool of a whole host takes time to set up.
    let options = Options { instances_max: 1, ..Options::default() };
    for Bound { option, max, of, said, follow: how } in BOUNDS {
        let max = max(&options);
        if let Err(error) = follow(&of(max), &options, how).await {
            panic!("{option}: {max} are refused: {error}");
        }
        let refused = follow(&of(max + 1), &options, how).await;
        let message = refused.expect_err(option).to_string();
        assert!(message.contains(&said(max)), "{option}: {message}");
    }
}

#[test]
fn the_limits_are_those_that_an_operator_set() {
    let options = Options {
        component_bytes_max: 600,
        function_bytes_max: 20,
        functions_max: 5,
        // More than of what stands in a module of its own each.
        modules_max: 6,
        components_max: 4,
        imports_max: 6,
        nesting_max: 3,
        memories_max: 4,
        memory_bytes_max: 5 * PAGE_BYTES,
        tables_max: 3,
        table_elements_max: 7,
        ..Options::default()
    };
    let counted = BOUNDS.iter().filter(|bound| bound.option != "core_instances_max");
    for Bound { option, max, of, said, .. } in counted {
        let max = max(&options);
        let at_bound = look::look(&of(max), &options);
        assert!(at_bound.is_ok(), "{option}: {at_bound:?}");
        let message = look::look(&of(max + 1), &options).expect_err(option).to_string();
        assert!(message.contains(&said(max)), "{option}: {message}");
    }
}

#[test]
fn the_texts_of_a_descriptor_may_be_as_long_as_their_limits_and_not_longer() {
    let options = Options::default();
    let named = |chars| types::Descriptor { display_name: "é".repeat(chars), ..described() };
    let schema = |bytes: usize| Some(format!("{{\"a\":\"{}\"}}", "x".repeat(bytes - 8)));
    let policy = |bytes| types::Descriptor { policy_schema: schema(bytes), ..described() };
    let config = |bytes| types::Descriptor {
        config_schema: schema(bytes).unwrap_or_default(),
        ..described()
    };
    for (descriptor, max, what) in [
        (&named as &dyn Fn(usize) -> types::Descriptor, options.label_chars_max, "characters"),
        (&policy, options.schema_bytes_max, "bytes"),
        (&config, options.schema_bytes_max, "bytes"),
    ] {
        checked(descriptor(max), &options).unwrap();
        let message = checked(descriptor(max + 1), &options).unwrap_err().to_string();
        let said = format!("has {} {what}; {max} are allowed", max + 1);
        assert!(message.ends_with(&said), "{message}");
    }
}

//! Proves at start-up that the engine refuses the proposals that must be off. A setting alone is
//! no proof: cargo unifies features, so any crate of a build can switch one on again.

use wasmtime::{Engine, Module};

use crate::error::Error;

const HEADER: &[u8] = b"\0asm\x01\0\0\0";

/// A proposal, and the sections of the smallest module that uses it.
const REFUSED: &[(&str, &[u8])] = &[
    // (memory i64 1)
    ("memory64", &[0x05, 3, 1, 0x04, 1]),
    // (func return_call 0)
    ("tail calls", &[0x01, 4, 1, 0x60, 0, 0, 0x03, 2, 1, 0, 0x0a, 6, 1, 4, 0, 0x12, 0, 0x0b]),
    // (memory 1) (memory 1)
    ("multiple memories", &[0x05, 5, 2, 0, 1, 0, 1]),
    // (func (drop (i8x16.relaxed_swizzle (v128.const 0) (v128.const 0))))
    (
        "relaxed SIMD",
        &[
            0x01, 4, 1, 0x60, 0, 0, 0x03, 2, 1, 0, 0x0a, 44, 1, 42, 0, //
            0xfd, 0x0c, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, //
            0xfd, 0x0c, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, //
            0xfd, 0x80, 0x02, 0x1a, 0x0b,
        ],
    ),
    // (type (struct))
    ("garbage collection", &[0x01, 3, 1, 0x5f, 0]),
    // (type (func)) (type (func (param (ref 0))))
    ("function references", &[0x01, 9, 2, 0x60, 0, 0, 0x60, 1, 0x64, 0, 0]),
    // (memory 1 1 shared)
    ("threads", &[0x05, 4, 1, 0x03, 1, 1]),
    // (type (func)) (tag (type 0))
    ("exceptions", &[0x01, 4, 1, 0x60, 0, 0, 0x0d, 3, 1, 0, 0]),
    // (memory 1 (pagesize 1))
    ("custom page sizes", &[0x05, 4, 1, 0x08, 1, 0]),
];

/// Fails with the first proposal that is on.
pub(super) fn run(engine: &Engine) -> Result<(), Error> {
    if let Err(error) = Module::validate(engine, HEADER) {
        return Err(Error::Sandbox(format!("an empty module is refused: {error:#}")));
    }
    for (proposal, sections) in REFUSED {
        if Module::validate(engine, &[HEADER, sections].concat()).is_ok() {
            return Err(Error::ProposalEnabled(proposal));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use wasmparser::{Validator, WasmFeatures};

    use super::*;
    use crate::proposals;

    #[test]
    fn each_module_is_refused_for_its_proposal_and_not_for_a_typing_error() {
        for (proposal, sections) in REFUSED {
            let module = [HEADER, sections].concat();
            let with_all = Validator::new_with_features(WasmFeatures::all()).validate_all(&module);
            assert!(with_all.is_ok(), "{proposal}: {:?}", with_all.err());
        }
    }

    #[test]
    fn a_look_at_a_component_refuses_what_the_engine_refuses() {
        // (table 0 externref): the engine is built without it.
        let without = ("externref", &[0x04, 4, 1, 0x6f, 0, 0][..]);
        for (proposal, sections) in REFUSED.iter().chain([&without]) {
            let module = [HEADER, sections].concat();
            let looked = Validator::new_with_features(proposals::allowed()).validate_all(&module);
            assert!(looked.is_err(), "{proposal}");
        }
    }

    #[test]
    fn an_engine_with_a_proposal_on_is_noticed() {
        let mut config = wasmtime::Config::new();
        config.concurrency_support(false).wasm_memory64(true);
        let engine = Engine::new(&config).unwrap();
        assert!(matches!(run(&engine), Err(Error::ProposalEnabled("memory64"))));
    }
}

//! The proposals of WebAssembly that no connector may use: one list for the look at a component
//! (`admission/look.rs`) and for the engines that compile and run it (`compiler.rs`), so that
//! what the one lets through the other takes.
//!
//! The libraries have some of them on by default, and another crate of the build may switch more
//! on; `compiler/self_test.rs` proves at start-up that they are off.

use wasmparser::WasmFeatures;

/// Each of them.
pub(crate) const REFUSED: WasmFeatures = WasmFeatures::MEMORY64
    .union(WasmFeatures::TAIL_CALL)
    .union(WasmFeatures::MULTI_MEMORY)
    .union(WasmFeatures::RELAXED_SIMD)
    .union(WasmFeatures::GC)
    // `externref`: the engine is built without what it needs.
    .union(WasmFeatures::GC_TYPES)
    .union(WasmFeatures::FUNCTION_REFERENCES)
    .union(WasmFeatures::THREADS)
    .union(WasmFeatures::SHARED_EVERYTHING_THREADS)
    .union(WasmFeatures::EXCEPTIONS)
    .union(WasmFeatures::LEGACY_EXCEPTIONS)
    .union(WasmFeatures::STACK_SWITCHING)
    .union(WasmFeatures::WIDE_ARITHMETIC)
    .union(WasmFeatures::CUSTOM_PAGE_SIZES)
    .union(WasmFeatures::MEMORY_CONTROL)
    .union(WasmFeatures::CM_ASYNC)
    .union(WasmFeatures::CM_GC);

/// What a component may use: the WebAssembly of the standard, and components, without them.
pub(crate) fn allowed() -> WasmFeatures {
    WasmFeatures::default().difference(REFUSED) | WasmFeatures::COMPONENT_MODEL
}

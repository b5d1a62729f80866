//! The generated side of the contract, made from `wit/connector.wit`.
//!
//! Generated types stop at [`convert`]: everything else in this crate speaks the model's words.
//! Kept apart because the macro is what costs time when this crate is built; nothing here
//! decides anything.

pub(crate) mod convert;

mod generated {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "plugin",
        imports: {
            "cordon:connector/http.send": async | trappable,
            "cordon:connector/http.[method]response.records": async | trappable,
            "cordon:connector/http.[method]response.object": async | trappable,
            "cordon:connector/http.[method]response.value": async | trappable,
            "cordon:connector/handles.make-records": async | trappable,
            default: trappable,
        },
        exports: { default: async },
        with: {
            "cordon:connector/handles.records": crate::capability::handles::HeldRecords,
            "cordon:connector/handles.input": crate::capability::handles::Input,
            "cordon:connector/http.response": crate::exchange::Response,
        },
    });
}

pub(crate) use generated::cordon::connector::{handles, http, log, types};
pub(crate) use generated::{Plugin, PluginPre};

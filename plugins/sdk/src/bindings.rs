//! The contract as generated from `wit/`. Reach it through the names that the crate's root gives
//! out; this module is public because the exporting macro names it.

wit_bindgen::generate!({
    path: "../../wit",
    world: "plugin",
    pub_export_macro: true,
    default_bindings_module: "cordon_connector_sdk::bindings",
    additional_derives: [PartialEq, Eq],
    // These hold resources, which cannot be compared.
    additional_derives_ignore: [
        "input", "records", "response", "task", "finding", "report", "outcome",
    ],
});

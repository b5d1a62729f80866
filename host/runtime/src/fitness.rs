//! Whether this machine can do what a runtime will ask of it, without starting one. Called by
//! `cordon doctor`.

use crate::compile::native_in_process;
use crate::compiler;
use crate::error::Error;
use crate::options::Options;

/// `(component)`.
const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

/// Looks at the machine.
pub struct Fitness;

impl Fitness {
    /// Builds the sandbox with its whole pool, proves that it refuses what it must, and takes it
    /// down again.
    ///
    /// # Errors
    /// Why a runtime could not start.
    pub fn of_sandbox(options: &Options) -> Result<(), Error> {
        compiler::engine(options).map(|_| ())
    }

    /// Compiles the smallest component as an upload would be.
    ///
    /// # Errors
    /// Why no component could be compiled.
    pub async fn of_compiler(options: &Options) -> Result<(), Error> {
        match &options.compiler {
            Some(process) => native_in_process(process, options, EMPTY).await.map(|_| ()),
            None => Ok(()),
        }
    }
}

//! Compiling a component, in a process of its own.
//!
//! A compiler cannot be interrupted, and its time and memory grow faster than what it is given:
//! 2 MB of WebAssembly can cost 45 s and 600 MB. So the host starts its own program again, which
//! limits its memory, processor time and everything else it could use up, compiles what it is
//! given on standard input, and writes native code to standard output. The host ends it when it
//! takes too long, and the serving process pays nothing but a wait.
//!
//! Where no program is configured (tests, hosts that embed this crate) compiling happens here,
//! bounded only by what [`crate::admission`] checked before.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::Stdio;

use rustix::process::{Resource, Rlimit, setrlimit};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};
use wasmtime::Engine;

use crate::compiler;
use crate::error::Error;
use crate::options::Options;

/// The program that compiles. What it may use up stands in [`Options`].
#[derive(Debug, Clone)]
pub struct CompilerProcess {
    /// A program that calls [`compile_child`].
    pub program: PathBuf,
    /// Its arguments, before those of the limits.
    pub arguments: Vec<String>,
}

/// Most bytes of what a failed compilation says.
const WORDS_BYTES_MAX: u64 = 4096;

/// What the process may use up, as it is told on its command line.
#[derive(Debug, Clone, Copy)]
pub struct CompilerLimits {
    /// Address space, in bytes.
    pub memory_bytes_max: u64,
    /// Processor time, in seconds.
    pub processor_seconds_max: u64,
    /// Stack of a connector, in bytes: part of the code that is made.
    pub stack_bytes_max: usize,
}

/// The other side: limits this process, compiles what `input` holds and writes native code to
/// `output`. Call it from a program that does nothing else.
///
/// # Errors
/// When the limits cannot be set, or the component does not compile.
pub fn compile_child(
    limits: CompilerLimits,
    mut input: impl Read,
    mut output: impl Write,
) -> Result<(), Error> {
    limit_this_process(limits).map_err(|e| Error::Host(format!("limits: {e}")))?;
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes).map_err(|e| Error::Host(format!("reading: {e}")))?;
    let options = Options { stack_bytes_max: limits.stack_bytes_max, ..Options::default() };
    let engine = compiler::compile_only(&options)?;
    let code = native(&engine, &bytes)?;
    let written = output.write_all(&code).and_then(|()| output.flush());
    written.map_err(|e| Error::Host(format!("writing: {e}")))
}

fn limit_this_process(limits: CompilerLimits) -> rustix::io::Result<()> {
    let set = |resource, value| {
        setrlimit(resource, Rlimit { current: Some(value), maximum: Some(value) })
    };
    set(Resource::Core, 0)?;
    set(Resource::Fsize, 0)?;
    set(Resource::Nofile, 16)?;
    set(Resource::As, limits.memory_bytes_max)?;
    set(Resource::Cpu, limits.processor_seconds_max)?;
    // What serves comes first. Not every system lets a process lower itself; no harm then.
    let _ = rustix::process::nice(10);
    Ok(())
}

/// Native code, made in this process.
pub(crate) fn native(engine: &Engine, bytes: &[u8]) -> Result<Vec<u8>, Error> {
    engine.precompile_component(bytes).map_err(|e| Error::unloadable(&format!("{e:#}")))
}

/// Native code, made in a process of its own.
pub(crate) async fn native_in_process(
    compiler: &CompilerProcess,
    options: &Options,
    bytes: &[u8],
) -> Result<Vec<u8>, Error> {
    let exchange = async {
        let mut child = start(compiler, options)?;
        let (code, words) = converse(&mut child, options, bytes).await?;
        let status = child.wait().await.map_err(failed)?;
        if status.success() {
            return Ok(code);
        }
        Err(match status.code() {
            Some(_) => Error::unloadable(&String::from_utf8_lossy(&words)),
            // Ended by a signal: one that it got for a limit, or gave itself for want of memory.
            None => Error::CompilerLimit(format!(
                "it used up its memory ({} bytes) or its processor time ({} s)",
                options.compiler_memory_bytes_max, options.compiler_processor_seconds_max
            )),
        })
    };
    // The process ends with the exchange: whoever drops it kills it.
    let ended = tokio::time::timeout(options.compiler_timeout, exchange).await;
    ended.unwrap_or_else(|_| {
        let time = options.compiler_timeout;
        Err(Error::CompilerLimit(format!("it took longer than {time:?}")))
    })
}

fn start(compiler: &CompilerProcess, options: &Options) -> Result<Child, Error> {
    Command::new(&compiler.program)
        .args(&compiler.arguments)
        .arg(format!("--memory-bytes-max={}", options.compiler_memory_bytes_max))
        .arg(format!("--processor-seconds-max={}", options.compiler_processor_seconds_max))
        .arg(format!("--stack-bytes-max={}", options.stack_bytes_max))
        // It is told nothing of what the host knows.
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)
}

/// Gives the process its component; what it writes, within limits, and what it says.
async fn converse(
    child: &mut Child,
    options: &Options,
    bytes: &[u8],
) -> Result<(Vec<u8>, Vec<u8>), Error> {
    let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(mut stdin), Some(stdout), Some(stderr)) = pipes else {
        return Err(Error::Host("the compiler's process has no pipes".to_owned()));
    };
    let give = async {
        // A process that ended early says why on its standard error.
        let _ = stdin.write_all(bytes).await;
        drop(stdin);
    };
    let most = options.native_code_bytes_max;
    let (mut code, mut words) = (Vec::new(), Vec::new());
    let mut code_reader = stdout.take((most as u64).saturating_add(1));
    let mut words_reader = stderr.take(WORDS_BYTES_MAX);
    let (_, code_read, words_read) = tokio::join!(
        give,
        code_reader.read_to_end(&mut code),
        words_reader.read_to_end(&mut words),
    );
    code_read.and(words_read).map_err(failed)?;
    if code.len() > most {
        let what = format!("its native code is larger than {most} bytes");
        return Err(Error::CompilerLimit(what));
    }
    Ok((code, words))
}

fn failed(error: std::io::Error) -> Error {
    Error::Host(format!("the compiler's process: {error}"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// What becomes of code that a shell writes in the place of the compiler.
    async fn written(script: &str, options: &Options) -> Result<Vec<u8>, Error> {
        let arguments = ["-c", script].map(str::to_owned).to_vec();
        let compiler = CompilerProcess { program: "/bin/sh".into(), arguments };
        native_in_process(&compiler, options, b"component").await
    }

    #[tokio::test]
    async fn native_code_may_be_as_large_as_its_limit_and_not_larger() {
        let options = Options { native_code_bytes_max: 1_000, ..Options::default() };
        assert_eq!(written("printf %01000d 0", &options).await.unwrap().len(), 1_000);
        let refused = written("printf %01001d 0", &options).await.unwrap_err().to_string();
        assert!(refused.ends_with("its native code is larger than 1000 bytes"), "{refused}");
    }

    #[tokio::test]
    async fn a_compiler_that_takes_too_long_or_is_ended_by_the_system_is_told_with_its_limits() {
        let options = Options {
            compiler_timeout: Duration::from_millis(100),
            compiler_memory_bytes_max: 77,
            compiler_processor_seconds_max: 88,
            ..Options::default()
        };
        let refused = written("while :; do :; done", &options).await.unwrap_err().to_string();
        assert!(refused.ends_with("it took longer than 100ms"), "{refused}");
        let patient = Options { compiler_timeout: Duration::from_secs(60), ..options };
        let refused = written("kill -9 $$", &patient).await.unwrap_err().to_string();
        assert!(
            refused.ends_with("its memory (77 bytes) or its processor time (88 s)"),
            "{refused}"
        );
    }
}

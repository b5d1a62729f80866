//! A problem of something a person wrote: where it is and what to do.

/// One problem, with the place it is at. Messages never repeat a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Errors refuse the write; warnings are stored and shown.
    pub severity: Severity,
    /// A stable word, snake_case.
    pub code: String,
    /// JSON pointer into what was written.
    pub pointer: String,
    /// 1-based, in characters, where it helps.
    pub column: Option<u32>,
    /// A sentence for a person: what is wrong, and the remedy.
    pub message: String,
}

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Refuses the write.
    Error,
    /// Stored and shown with the object.
    Warning,
}

impl Problem {
    /// An error at a pointer.
    pub fn error(code: &str, pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code: code.to_owned(),
            pointer: pointer.into(),
            column: None,
            message: message.into(),
        }
    }

    /// A warning at a pointer.
    pub fn warning(code: &str, pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, pointer, message) }
    }
}

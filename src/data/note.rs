//! What a user should know about data.

/// A sentence about data that were read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The sentence.
    pub text: String,
    /// Whether it may be a mistake.
    pub warning: bool,
}

impl Note {
    /// Something worth knowing that is no mistake.
    pub fn new(text: impl Into<String>) -> Self {
        Note { text: text.into(), warning: false }
    }

    /// Something that may be a mistake.
    pub fn warning(text: impl Into<String>) -> Self {
        Note { text: text.into(), warning: true }
    }
}

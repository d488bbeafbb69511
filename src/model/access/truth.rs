//! Yes, no, or cannot tell. Nothing in this module guesses: what is not known stays not known until something else decides.

/// Whether something holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Holds {
    Yes,
    No,
    /// It cannot be told, and why.
    Unclear(String),
}

impl Holds {
    pub(super) fn not(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
            unclear @ Self::Unclear(_) => unclear,
        }
    }

    pub(super) fn not_if(self, negated: bool) -> Self {
        if negated { self.not() } else { self }
    }

    /// Whether all hold: a single no decides, whatever else is unclear.
    pub(super) fn all(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut all = Self::Yes;
        for part in parts {
            match part {
                Self::No => return Self::No,
                Self::Unclear(why) if all == Self::Yes => all = Self::Unclear(why),
                Self::Yes | Self::Unclear(_) => {}
            }
        }
        all
    }

    /// Whether one holds: a single yes decides, whatever else is unclear.
    pub(super) fn any(parts: impl IntoIterator<Item = Self>) -> Self {
        Self::all(parts.into_iter().map(Self::not)).not()
    }
}

impl From<bool> for Holds {
    fn from(value: bool) -> Self {
        if value { Self::Yes } else { Self::No }
    }
}

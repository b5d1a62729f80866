//! Records as the rows of tables, within what the page may show. Called by `page`.

use std::convert::Infallible;
use std::fmt;

use cordon_model::json::Json;

use super::text::Text;
use crate::Options;
use crate::folder::{Folder, PlacedRecord};
use crate::leaves::{Step, leaf_text, leaves};

/// What the page may still show.
pub(super) struct Budget {
    rows: usize,
    bytes: usize,
}

/// One record.
pub(super) struct RecordView<'a> {
    pub(super) number: usize,
    pub(super) csv_path: String,
    pub(super) json_path: String,
    pub(super) groups: Vec<Group<'a>>,
    /// How many values are not shown.
    pub(super) left: usize,
}

/// Neighboring values below one key of the record; or neighboring values of the record itself.
pub(super) struct Group<'a> {
    pub(super) title: Option<Name<'a>>,
    pub(super) rows: Vec<Row<'a>>,
}

/// One value, and the way to it from its group.
pub(super) struct Row<'a> {
    /// All but the last step.
    pub(super) parents: Vec<Name<'a>>,
    pub(super) name: Name<'a>,
    pub(super) value: Value<'a>,
}

/// One step of the way.
pub(super) enum Name<'a> {
    Key(Text<'a>),
    /// The position in a list, counted from one as people do.
    Position(usize),
}

pub(super) enum Value<'a> {
    Text(Text<'a>),
    /// Nothing to show, and what that means.
    Nothing(&'static str),
}

impl Budget {
    pub(super) fn new(options: &Options) -> Self {
        Self { rows: options.page_rows_max, bytes: options.page_text_bytes_max }
    }

    /// Takes an equal share out, where so many are wanted.
    pub(super) fn share(&mut self, wanted: usize) -> Self {
        let share = Self {
            rows: self.rows.div_ceil(wanted.max(1)),
            bytes: self.bytes.div_ceil(wanted.max(1)),
        };
        self.rows -= share.rows;
        self.bytes -= share.bytes;
        share
    }

    /// Puts what is left of a share back.
    pub(super) fn give_back(&mut self, share: Self) {
        self.rows += share.rows;
        self.bytes += share.bytes;
    }

    /// Takes one row of so many bytes. False, and all is spent, when there is no room for it.
    pub(super) fn take(&mut self, bytes: usize) -> bool {
        match (self.rows.checked_sub(1), self.bytes.checked_sub(bytes)) {
            (Some(rows), Some(bytes)) => {
                *self = Self { rows, bytes };
                true
            }
            _ => {
                self.rows = 0;
                false
            }
        }
    }

    pub(super) fn is_spent(&self) -> bool {
        self.rows == 0
    }
}

/// The record, as far as there is room.
pub(super) fn record_view<'a>(
    folder: &Folder<'_>,
    placed: &'a PlacedRecord<'_>,
    budget: &mut Budget,
    options: &Options,
) -> RecordView<'a> {
    let mut groups = Vec::<Group<'a>>::new();
    // The step that the last group is for; None for the values of the record itself.
    let mut last = None;
    let mut left = 0;
    let walked = leaves::<Infallible>(&placed.record, |path, leaf| {
        // Not even looked at: a record may have a million values behind the last one shown.
        if left > 0 {
            left += 1;
            return Ok(());
        }
        let row = Row::new(path, leaf, options);
        let group = path.first().copied().filter(|_| path.len() > 1);
        let title = group.map(|step| Name::new(step, options));
        if !budget.take(row.len() + title.as_ref().map_or(0, Name::len)) {
            left = 1;
            return Ok(());
        }
        match groups.last_mut() {
            Some(open) if last == group => open.rows.push(row),
            Some(_) | None => {
                groups.push(Group { title, rows: vec![row] });
                last = group;
            }
        }
        Ok(())
    });
    let Ok(()) = walked;
    RecordView {
        number: placed.number,
        csv_path: folder.csv_path(placed.number),
        json_path: folder.json_path(placed.number),
        groups,
        left,
    }
}

impl<'a> Row<'a> {
    fn new(path: &[Step<'a>], leaf: &'a Json, options: &Options) -> Self {
        let below_group = if path.len() > 1 { path.get(1..).unwrap_or_default() } else { path };
        let mut names: Vec<_> = below_group.iter().map(|step| Name::new(*step, options)).collect();
        let name = names.pop().unwrap_or(Name::Position(0));
        Self { parents: names, name, value: Value::new(leaf, options) }
    }

    fn len(&self) -> usize {
        let names: usize = self.parents.iter().chain([&self.name]).map(Name::len).sum();
        names
            + match &self.value {
                Value::Text(text) => text.len(),
                Value::Nothing(words) => words.len(),
            }
    }
}

impl<'a> Name<'a> {
    fn new(step: Step<'a>, options: &Options) -> Self {
        match step {
            Step::Key(key) => Self::Key(Text::shortened(key, options.page_value_chars_max)),
            Step::Index(index) => Self::Position(index.saturating_add(1)),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Key(text) => text.len(),
            Self::Position(_) => size_of::<usize>(),
        }
    }
}

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(text) if text.is_shortened => write!(f, "{text}…"),
            Self::Key(text) => text.fmt(f),
            Self::Position(position) => position.fmt(f),
        }
    }
}

impl<'a> Value<'a> {
    fn new(leaf: &'a Json, options: &Options) -> Self {
        match leaf {
            Json::Null => Self::Nothing("no value"),
            Json::String(text) if text.is_empty() => Self::Nothing("empty text"),
            Json::Array(_) => Self::Nothing("empty list"),
            Json::Object(_) => Self::Nothing("empty group"),
            Json::Bool(_) | Json::Number(_) | Json::String(_) => {
                Self::Text(Text::shortened(leaf_text(leaf), options.page_value_chars_max))
            }
        }
    }
}

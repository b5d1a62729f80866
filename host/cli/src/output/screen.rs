//! A view that is drawn over itself, on a terminal.
//!
//! Plain text in place of what was there, no colors and no mode of the terminal: whenever the
//! program ends, what it drew last stays and the terminal is as it was. Called by commands that
//! show something that goes on, through [`Output::screen`].

use std::io;

use console::{Term, truncate_str};

use super::{Output, View};

/// The lower end of a terminal.
#[derive(Debug)]
pub struct Screen {
    term: Term,
    /// Lines that the view has now.
    drawn: usize,
}

impl Output {
    /// The terminal at standard output. None where there is none, where it cannot draw over a
    /// line, and where JSON was asked for.
    pub fn screen(self) -> Option<Screen> {
        let term = Term::buffered_stdout();
        let draws = !self.json && term.is_term() && !console::is_dumb();
        draws.then_some(Screen { term, drawn: 0 })
    }
}

impl Screen {
    /// Puts a view in the place of the one before.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn draw(&mut self, view: &View) -> io::Result<()> {
        let (height, width) = self.term.size();
        let lines = fitting(view.lines(), usize::from(height), usize::from(width));
        self.term.clear_last_lines(self.drawn)?;
        for line in &lines {
            self.term.write_line(line)?;
        }
        self.drawn = lines.len();
        self.term.flush()
    }

    /// Removes what the terminal itself wrote below the view: the `^C` of an interrupt.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn clear_below(&mut self) -> io::Result<()> {
        self.term.clear_line()?;
        self.term.flush()
    }
}

/// What a terminal of this size has room for. A line that is too long would take two, and lines
/// that scrolled away cannot be drawn over.
fn fitting(lines: &[String], height: usize, width: usize) -> Vec<String> {
    // The cursor stands in the line below.
    let room = height.saturating_sub(1).max(2);
    let width = width.saturating_sub(1).max(1);
    let cut = |line: &String| truncate_str(line, width, "…").into_owned();
    if lines.len() <= room {
        return lines.iter().map(cut).collect();
    }
    let shown = room.saturating_sub(1);
    let more = format!("… and {} lines more", lines.len() - shown);
    lines.iter().take(shown).chain([&more]).map(cut).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|line| (*line).to_owned()).collect()
    }

    #[test]
    fn a_view_never_takes_more_lines_than_the_terminal_has() {
        let view = lines(&["one", "two", "three", "four"]);
        assert_eq!(fitting(&view, 5, 80), view);
        assert_eq!(fitting(&view, 4, 80), lines(&["one", "two", "… and 2 lines more"]));
        assert_eq!(fitting(&view, 0, 80).len(), 2);
    }

    #[test]
    fn a_line_is_cut_where_the_terminal_ends() {
        assert_eq!(fitting(&lines(&["0123456789"]), 24, 8), lines(&["012345…"]));
        assert_eq!(fitting(&lines(&["日本語日本語"]), 24, 8), lines(&["日本語…"]));
    }
}

//! Tables of numbers, for a terminal or as Markdown.

use comfy_table::presets::{ASCII_MARKDOWN, NOTHING};
use comfy_table::{CellAlignment, Row, Table};

/// How a table is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Columns two spaces apart.
    Text,
    /// Columns between bars.
    Markdown,
}

/// Draws a table, which ends in a newline: the first column and those numbered in `words` to the left,
/// the others to the right.
pub fn draw<R: Into<Row>>(
    form: Form,
    heading: impl Into<Row>,
    words: &[usize],
    rows: impl IntoIterator<Item = R>,
) -> String {
    let mut table = Table::new();
    table.load_style(match form {
        Form::Text => NOTHING,
        Form::Markdown => ASCII_MARKDOWN,
    });
    table.set_header(heading);
    table.add_rows(rows);
    for (i, column) in table.column_iter_mut().enumerate() {
        if form == Form::Text {
            column.set_padding((if i == 0 { 0 } else { 2 }, 0));
        }
        if i > 0 && !words.contains(&i) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_to_the_right_and_words_to_the_left() {
        let rows = [["a", "1", "x"], ["abc", "100", "long words"]];
        let table = |form| draw(form, ["of", "number", "what"], &[2], rows);
        assert_eq!(
            table(Form::Text),
            "of   number  what\n\
             a         1  x\n\
             abc     100  long words\n"
        );
        assert_eq!(
            table(Form::Markdown),
            "| of  | number | what       |\n\
             |-----|--------|------------|\n\
             | a   |      1 | x          |\n\
             | abc |    100 | long words |\n"
        );
    }
}

//! The fields of a line: the message, then `key=value` with quotes where the value needs them, so
//! that a program can find where it ends.

use std::fmt::{self, Debug};

use tracing::field::{Field, Visit};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::Writer;

/// Writes the fields of events and spans.
pub struct Fields;

struct Line<'w> {
    writer: Writer<'w>,
    is_first: bool,
    written: fmt::Result,
}

impl<'w> FormatFields<'w> for Fields {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'w>, fields: R) -> fmt::Result {
        let mut line = Line {
            writer,
            is_first: true,
            written: Ok(()),
        };
        fields.record(&mut line);
        line.written
    }
}

impl Visit for Line<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        let gap = if self.is_first { "" } else { " " };
        self.is_first = false;
        let written = match field.name() {
            "message" => write!(self.writer, "{gap}{value}"),
            name if needs_quotes(value) => write!(self.writer, "{gap}{name}={value:?}"),
            name => write!(self.writer, "{gap}{name}={value}"),
        };
        self.written = self.written.and(written);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

fn needs_quotes(value: &str) -> bool {
    let ends_it = |c: char| c.is_whitespace() || matches!(c, '"' | '=' | '{' | '}' | '\\');
    value.is_empty() || value.contains(ends_it)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;
    use std::sync::{Arc, Mutex};
    use tracing_subscriber::layer::SubscriberExt;
    use tracing_subscriber::{Registry, fmt};

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend(line);
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_value_is_quoted_where_it_would_not_end_by_itself() {
        let written = Written::default();
        let writer = written.clone();
        let layer = fmt::layer().fmt_fields(Fields).without_time();
        let layer = layer.with_ansi(false).with_target(false);
        let registry = Registry::default().with(layer.with_writer(move || writer.clone()));
        tracing::subscriber::with_default(registry, || {
            let _in = tracing::info_span!("connection", mode = "text", id = 7).entered();
            let (end, none) = (format_args!("closed by the peer"), None::<u64>);
            tracing::info!(%end, none, empty = "", said = r#"a "b""#, seconds = 0.5, "has ended");
        });
        assert_eq!(
            String::from_utf8(written.0.lock().unwrap().clone()).unwrap(),
            " INFO connection{mode=text id=7}: has ended end=\"closed by the peer\" empty=\"\" \
             said=\"a \\\"b\\\"\" seconds=0.5\n"
        );
    }
}

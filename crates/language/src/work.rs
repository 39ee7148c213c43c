//! Counting work in tests.
//!
//! To read a file takes time in proportion to its length, however many mistakes it has. Places where that could be lost,
//! because something is compared with all of a text or with all names, tell here how many octets they look at. Only tests
//! of this crate count; elsewhere it costs nothing.

#[cfg(test)]
mod counted {
    use std::cell::Cell;

    thread_local! {
        static DONE: Cell<u64> = const { Cell::new(0) };
    }

    /// So many octets, names or items were looked at.
    pub(crate) fn done(amount: usize) {
        DONE.with(|done| done.set(done.get() + amount as u64));
    }

    /// The work of `what`.
    pub(crate) fn of(what: impl FnOnce()) -> u64 {
        DONE.with(|done| done.set(0));
        what();
        DONE.with(Cell::get)
    }
}

#[cfg(test)]
pub(crate) use counted::{done, of};

/// So many octets, names or items were looked at.
#[cfg(not(test))]
pub(crate) fn done(_: usize) {}

#[cfg(test)]
mod tests {
    use crate::{Source, WorldSource, read};

    struct NoWorlds;
    impl WorldSource for NoWorlds {
        fn world(&self, _: &str) -> Option<Source> {
            None
        }
        fn names(&self) -> Vec<String> {
            Vec::new()
        }
    }

    const SCRIPT: &str = "[[at]]\nsend = { from = \"a@b.example\", to = [\"c@d.example\"] }\n[[expect]]\nsigned = {}\n";

    /// Files with `count` wrong lines, each kind where all lines are compared with something.
    fn files(count: usize) -> Vec<(&'static str, String)> {
        let lines = |line: &dyn Fn(usize) -> String| (0..count).map(line).collect::<String>();
        let zone =
            |text: String| format!("title = \"t\"\n[zone.\"b.example\"]\nrecords = \"\"\"\n{text}\"\"\"\n{SCRIPT}");
        let behaviours = format!("title = \"t\"\ncovers = [{}]\n{SCRIPT}", lines(&|n| format!("\"a.b{n}\",\n")));
        let hosts = lines(&|n| format!("[[at]]\nfault = {{ kind = \"refused\", host = \"h{n}\" }}\n"));
        vec![
            ("syntax", format!("title = \"t\"\n{SCRIPT}{}", lines(&|n| format!("k{n} = = 1\n")))),
            ("unknown keys", format!("title = \"t\"\n{SCRIPT}{}", lines(&|n| format!("k{n} = 1\n")))),
            ("records", zone(lines(&|n| format!("x{n} A 192.0.2.300\n")))),
            ("types", zone(lines(&|n| format!("x{n} TXX y\n")))),
            ("references", zone(lines(&|n| format!("x{n} A {{h{n}}}\n")))),
            ("names without a dot", zone(lines(&|n| format!("x{n}.b.example MX 10 .\n")))),
            ("aliases with data", zone(lines(&|n| format!("x CNAME y{n}\n")))),
            ("behaviours", behaviours),
            ("hosts", format!("title = \"t\"\n{hosts}{SCRIPT}")),
            ("declarations", format!("title = \"t\"\n{}{SCRIPT}", lines(&|n| format!("[key.k{n}]\n")))),
            (
                "words",
                format!("title = \"t\"\n{}{SCRIPT}", lines(&|n| format!("[[at]]\nfault = {{ kind = \"f{n}\" }}\n"))),
            ),
        ]
    }

    fn work(text: &str) -> u64 {
        super::of(|| {
            let behaviours = ["x.y", "x.z"];
            let told = match read("example.toml", text, &NoWorlds, &behaviours) {
                Ok(loaded) => loaded.warnings.render(false),
                Err(mistakes) => mistakes.render(false),
            };
            assert!(told.len() < 200_000, "what is told is bounded: {} octets", told.len());
        })
    }

    /// Twice the lines take twice the work, and a constant for what is shown.
    #[test]
    fn work_grows_with_the_length_of_a_file() {
        let constant = 100 * 2 * 20_000;
        for ((what, once), (_, twice)) in files(2_000).into_iter().zip(files(4_000)) {
            let (once, twice, length) = (work(&once), work(&twice), twice.len() as u64);
            assert!(twice <= 2 * once + constant.max(200 * length), "{what}: {once}, then {twice}");
        }
    }
}

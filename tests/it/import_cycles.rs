//! No module of a crate imports another in a cycle.
//!
//! A module and its ancestors may import each other. Between sibling modules, each taken with all
//! its submodules, imports go one way. An import is a `use` or a path that begins with `crate`,
//! `self` or `super`; an import of a re-exported name is one from the module that defines it.
//! Code under `#[cfg(test)]` is left out.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// The names of a path, from the root of its crate: `["fault", "stream"]`.
type Names = Vec<String>;

#[derive(Default)]
struct Module {
    /// What `use` brings into scope: the name here, and where it is from.
    uses: BTreeMap<String, Names>,
    /// Every path within the crate that the module mentions.
    paths: BTreeSet<Names>,
}

#[derive(Default)]
struct Crate {
    modules: BTreeMap<Names, Module>,
}

impl Crate {
    /// Reads the crate whose root is `file`.
    fn read(file: &Path) -> Self {
        let mut read = Crate::default();
        let directory = file.parent().expect("a crate's root is in a directory");
        read.add_file(file, directory, &Names::new());
        read
    }

    fn add_file(&mut self, file: &Path, children: &Path, module: &Names) {
        let source =
            fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        self.add_source(&source, children, module);
    }

    fn add_source(&mut self, source: &str, children: &Path, module: &Names) {
        self.modules.entry(module.clone()).or_default();
        self.add(source.parse().expect("Rust"), children, module);
    }

    /// Adds what the tokens of one module hold; files of its submodules are in `children`.
    fn add(&mut self, tokens: TokenStream, children: &Path, module: &Names) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        for pair in tokens.windows(2) {
            if let [TokenTree::Ident(word), TokenTree::Ident(name)] = pair
                && word == "mod"
            {
                let submodule = joined(module, [&name.to_string()]);
                self.modules.entry(submodule).or_default();
            }
        }
        let mut at = 0;
        while at < tokens.len() {
            if is_cfg_test(&tokens[at..]) {
                at += length_of_item(&tokens[at..]);
                continue;
            }
            match (&tokens[at], tokens.get(at + 1), tokens.get(at + 2)) {
                (TokenTree::Ident(word), Some(TokenTree::Ident(name)), Some(body))
                    if word == "mod" =>
                {
                    self.add_submodule(&name.to_string(), body, children, module);
                    at += 3;
                }
                (TokenTree::Ident(word), ..) if word == "use" => {
                    let length = length_of_item(&tokens[at..]);
                    self.add_use(&tokens[at + 1..at + length - 1], &Names::new(), module);
                    at += length;
                }
                (TokenTree::Ident(_), ..) => {
                    let (names, length) = path(&tokens[at..]);
                    if let Some(path) = within_crate(&names, module) {
                        self.modules
                            .entry(module.clone())
                            .or_default()
                            .paths
                            .insert(path);
                    }
                    at += length;
                }
                (TokenTree::Group(group), ..) => {
                    self.add(group.stream(), children, module);
                    at += 1;
                }
                _ => at += 1,
            }
        }
    }

    fn add_submodule(&mut self, name: &str, body: &TokenTree, children: &Path, parent: &Names) {
        let module = joined(parent, [&name.to_owned()]);
        let own = children.join(name);
        match body {
            TokenTree::Group(body) => self.add(body.stream(), &own, &module),
            _ => {
                let flat = children.join(format!("{name}.rs"));
                let file = if flat.exists() {
                    flat
                } else {
                    own.join("mod.rs")
                };
                self.add_file(&file, &own, &module);
            }
        }
    }

    /// Adds the tree of a `use`, without keyword and semicolon: `a::{b, c::{self, d as e}, f::*}`.
    fn add_use(&mut self, tree: &[TokenTree], prefix: &Names, module: &Names) {
        let (names, length) = path(tree);
        let mut full = joined(prefix, &names);
        match tree.get(length) {
            Some(TokenTree::Group(group)) => {
                let tokens: Vec<TokenTree> = group.stream().into_iter().collect();
                for branch in tokens.split(|token| is_punct(token, ',')) {
                    self.add_use(branch, &full, module);
                }
            }
            rest => {
                if full.len() > 1 && full.last().is_some_and(|name| name == "self") {
                    full.pop();
                }
                let renamed = match (rest, tree.get(length + 1)) {
                    (Some(TokenTree::Ident(word)), Some(name)) if word == "as" => {
                        Some(name.to_string())
                    }
                    _ => None,
                };
                let target =
                    within_crate(&full, module).or_else(|| self.within_child(&full, module));
                if let (Some(target), Some(name)) = (target, renamed.or(full.last().cloned())) {
                    let module = self.modules.entry(module.clone()).or_default();
                    module.paths.insert(target.clone());
                    module.uses.insert(name, target);
                }
            }
        }
    }

    /// A path that begins with the name of a submodule.
    fn within_child(&self, names: &[String], module: &Names) -> Option<Names> {
        let child = joined(module, names.get(..1)?);
        self.modules
            .contains_key(&child)
            .then(|| joined(module, names))
    }

    /// The module that defines what `path` names.
    fn definer(&self, path: &[String]) -> Names {
        let mut path = path.to_vec();
        // A name may be re-exported several times over.
        for _ in 0..16 {
            let depth = (0..=path.len())
                .rev()
                .find(|depth| self.modules.contains_key(&path[..*depth]));
            let (module, rest) = path.split_at(depth.unwrap_or(0));
            let reexported = rest
                .first()
                .and_then(|name| self.modules.get(module)?.uses.get(name));
            match reexported {
                Some(target) if *target != path => path = joined(target, &rest[1..]),
                _ => return module.to_vec(),
            }
        }
        panic!("{} is re-exported without end", path.join("::"));
    }

    /// Every import between two modules of which neither contains the other, by the parent of the
    /// siblings that contain them: from which sibling, to which, and which import it is.
    fn imports(&self) -> BTreeMap<Names, BTreeMap<String, BTreeMap<String, String>>> {
        let mut imports = BTreeMap::<_, BTreeMap<_, BTreeMap<_, _>>>::new();
        for (importer, module) in &self.modules {
            for path in &module.paths {
                let definer = self.definer(path);
                let shared = importer
                    .iter()
                    .zip(&definer)
                    .take_while(|(a, b)| a == b)
                    .count();
                if let (Some(from), Some(to)) = (importer.get(shared), definer.get(shared)) {
                    let line = format!("{} imports {}", importer.join("::"), path.join("::"));
                    let siblings = imports.entry(importer[..shared].to_vec()).or_default();
                    siblings
                        .entry(from.clone())
                        .or_default()
                        .entry(to.clone())
                        .or_insert(line);
                }
            }
        }
        imports
    }

    /// The cycles, each in words: its modules, and an import for each step.
    fn cycles(&self) -> Vec<String> {
        let mut cycles = Vec::new();
        for (parent, siblings) in self.imports() {
            let mut seen = BTreeSet::new();
            for start in siblings.keys() {
                if seen.contains(start) {
                    continue;
                }
                if let Some(cycle) = shortest_cycle(&siblings, start) {
                    let names: Vec<String> = cycle
                        .iter()
                        .map(|name| joined(&parent, [name]).join("::"))
                        .collect();
                    let mut words = names.join(" -> ");
                    for step in cycle.windows(2) {
                        words += &format!("\n    {}", siblings[&step[0]][&step[1]]);
                    }
                    cycles.push(words);
                    seen.extend(cycle);
                }
            }
        }
        cycles
    }
}

/// The shortest cycle through `start`, both ends included.
fn shortest_cycle(
    imports: &BTreeMap<String, BTreeMap<String, String>>,
    start: &str,
) -> Option<Names> {
    let mut paths = vec![vec![start.to_owned()]];
    let mut reached = BTreeSet::new();
    while !paths.is_empty() {
        let mut longer = Vec::new();
        for path in paths {
            for next in imports
                .get(path.last()?)
                .into_iter()
                .flat_map(BTreeMap::keys)
            {
                let path = joined(&path, [next]);
                if next == start {
                    return Some(path);
                }
                if reached.insert(next.clone()) {
                    longer.push(path);
                }
            }
        }
        paths = longer;
    }
    None
}

/// The names of the path that `tokens` begin with, and the number of its tokens.
fn path(tokens: &[TokenTree]) -> (Names, usize) {
    let is_colons = |at: usize| {
        tokens
            .get(at..at + 2)
            .is_some_and(|two| two.iter().all(|token| is_punct(token, ':')))
    };
    let mut names = Names::new();
    let mut at = 0;
    while let Some(TokenTree::Ident(name)) = tokens.get(at) {
        names.push(name.to_string());
        at += 1;
        if !is_colons(at) {
            break;
        }
        at += 2;
    }
    (names, at)
}

/// A path that begins with `crate`, `self` or `super`, from the root of the crate.
fn within_crate(names: &[String], module: &Names) -> Option<Names> {
    let mut base = match names.first()?.as_str() {
        "crate" => Names::new(),
        "self" | "super" => module.clone(),
        _ => return None,
    };
    let mut rest = names
        .iter()
        .skip_while(|name| *name == "crate" || *name == "self")
        .peekable();
    while rest.next_if(|name| *name == "super").is_some() {
        base.pop();
    }
    base.extend(rest.cloned());
    Some(base)
}

fn is_punct(token: &TokenTree, wanted: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == wanted)
}

fn is_cfg_test(tokens: &[TokenTree]) -> bool {
    matches!(tokens, [hash, TokenTree::Group(attribute), ..]
        if is_punct(hash, '#') && attribute.stream().to_string().replace(' ', "") == "cfg(test)")
}

/// The number of tokens up to and with the semicolon or the braces that end an item.
fn length_of_item(tokens: &[TokenTree]) -> usize {
    let is_use = tokens
        .iter()
        .find(|token| matches!(token, TokenTree::Ident(_)));
    let is_use = matches!(is_use, Some(TokenTree::Ident(word)) if word == "use");
    let is_end = |token: &TokenTree| match token {
        TokenTree::Group(group) => !is_use && group.delimiter() == Delimiter::Brace,
        token => is_punct(token, ';'),
    };
    tokens
        .iter()
        .position(is_end)
        .map_or(tokens.len(), |end| end + 1)
}

fn joined<'a>(prefix: &'a [String], names: impl IntoIterator<Item = &'a String>) -> Names {
    prefix.iter().chain(names).cloned().collect()
}

/// The roots of all libraries and programs of the workspace.
fn roots() -> Vec<PathBuf> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates");
    let sources = fs::read_dir(crates)
        .unwrap()
        .map(|entry| entry.unwrap().path().join("src"));
    let mut roots: Vec<PathBuf> = sources
        .flat_map(|source| ["lib.rs", "main.rs"].map(|root| source.join(root)))
        .filter(|root| root.exists())
        .collect();
    roots.sort();
    roots
}

#[test]
fn no_modules_import_each_other_in_a_cycle() {
    assert!(roots().len() > 6, "{:?}", roots());
    let mut found = String::new();
    for root in roots() {
        for cycle in Crate::read(&root).cycles() {
            found += &format!("\n{}: {cycle}", root.display());
        }
    }
    assert!(
        found.is_empty(),
        "these modules import each other in a cycle; move what they share below both:{found}"
    );
}

#[track_caller]
fn assert_cycles(source: &str, expected: &[&str]) {
    let mut made_up = Crate::default();
    made_up.add_source(source, Path::new("nowhere"), &Names::new());
    assert_eq!(made_up.cycles(), expected);
}

#[test]
fn a_cycle_is_found_and_each_of_its_imports_is_named() {
    assert_cycles(
        "mod a { use crate::b::{self, B as Other}; }
         mod b { fn f() -> super::c::C {} }
         mod c { use std::fmt; fn f() { println!(\"{}\", crate::a::A); } }
         mod d { use super::{a, b}; }",
        &["a -> b -> c -> a\n    a imports b\n    b imports c::C\n    c imports a::A"],
    );
}

#[test]
fn folders_form_a_cycle_where_no_two_files_do() {
    assert_cycles(
        "mod a { mod one { use crate::c::d; } mod two {} }
         mod c { pub mod d {} mod e { use crate::a::two; } }",
        &["a -> c -> a\n    a::one imports c::d\n    c::e imports a::two"],
    );
}

#[test]
fn an_import_of_a_re_export_is_one_from_the_module_that_defines_the_name() {
    assert_cycles(
        "pub use b::B;
         mod a { use crate::B; }
         mod b { use crate::a::A; }",
        &["a -> b -> a\n    a imports B\n    b imports a::A"],
    );
    assert_cycles(
        "mod a { mod one { use super::Two; } mod two {} pub use self::two::Two; }",
        &[],
    );
}

#[test]
fn ancestors_may_be_imported_and_tests_may_import_anything() {
    assert_cycles(
        "use a::A;
         pub struct Root;
         mod a {
             use self::inner::I;
             use super::Root;
             pub mod inner { use super::super::{Root, a::A}; }
         }
         mod c {
             #[cfg(test)] use crate::d;
             #[cfg(test)] mod tests { use crate::d::D; }
         }
         mod d {
             use crate::c;
             #[cfg(test)] fn f(x: crate::c::C) {}
         }",
        &[],
    );
}

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

/// The names of a path: `["crate", "fault", "stream"]`, or from the root `["fault", "stream"]`.
type Names = Vec<String>;

#[derive(Default)]
struct Module {
    /// What `use` brings into scope, by its name here.
    uses: BTreeMap<String, Names>,
    /// Every path that the module mentions.
    paths: BTreeSet<Names>,
}

/// The modules of a crate, by their paths from its root.
#[derive(Default)]
struct Crate(BTreeMap<Names, Module>);

impl Crate {
    /// Adds the module in this file; the files of its submodules are in `children`.
    fn add_file(&mut self, file: &Path, children: &Path, module: &[String]) {
        let source =
            fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        self.add(source.parse().expect("Rust"), children, module);
    }

    fn add(&mut self, tokens: TokenStream, children: &Path, module: &[String]) {
        self.0.entry(module.to_vec()).or_default();
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut rest = &tokens[..];
        while let [token, after @ ..] = rest {
            rest = after;
            match (token, after) {
                _ if begins_with_cfg_test(token, after) => rest = after_item(after),
                (TokenTree::Ident(word), [TokenTree::Ident(name), body, ..]) if word == "mod" => {
                    self.add_submodule(&name.to_string(), body, children, module);
                    rest = &after[2..];
                }
                (TokenTree::Ident(word), [TokenTree::Ident(_), ..]) if word == "use" => {
                    let end = after.iter().position(|token| is_punct(token, ';'));
                    self.add_use(&after[..end.expect("`;` after use")], &[], module);
                    rest = &after[end.unwrap()..];
                }
                (TokenTree::Ident(_), _) => {
                    let (names, after) = path(&tokens[tokens.len() - after.len() - 1..]);
                    self.0.get_mut(module).unwrap().paths.insert(names);
                    rest = after;
                }
                (TokenTree::Group(group), _) => self.add(group.stream(), children, module),
                _ => {}
            }
        }
    }

    fn add_submodule(&mut self, name: &str, body: &TokenTree, children: &Path, parent: &[String]) {
        let module = [parent, &[name.to_owned()]].concat();
        let own = children.join(name);
        let flat = children.join(format!("{name}.rs"));
        match body {
            TokenTree::Group(body) => self.add(body.stream(), &own, &module),
            _ if flat.exists() => self.add_file(&flat, &own, &module),
            _ => self.add_file(&own.join("mod.rs"), &own, &module),
        }
    }

    /// Adds the tree of a `use`, without keyword and semicolon: `a::{b, c::{self, d as e}, f::*}`.
    fn add_use(&mut self, tree: &[TokenTree], prefix: &[String], module: &[String]) {
        let (names, rest) = path(tree);
        let mut names = [prefix, &names].concat();
        if let [TokenTree::Group(group)] = rest {
            let tokens: Vec<TokenTree> = group.stream().into_iter().collect();
            let branches = tokens.split(|token| is_punct(token, ','));
            for branch in branches.filter(|branch| !branch.is_empty()) {
                self.add_use(branch, &names, module);
            }
            return;
        }
        names.pop_if(|name| name == "self");
        let name = match rest {
            [TokenTree::Ident(word), name] if word == "as" => name.to_string(),
            _ => names.last().cloned().unwrap_or_default(),
        };
        let module = self.0.get_mut(module).unwrap();
        module.paths.insert(names.clone());
        module.uses.insert(name, names);
    }

    /// The path from the root of the crate, if it begins with a keyword or the name of a submodule.
    fn absolute(&self, names: &[String], module: &[String]) -> Option<Names> {
        let is_keyword = |name: &&String| ["crate", "self", "super"].contains(&name.as_str());
        let keywords = names.iter().take_while(is_keyword).count();
        let mut absolute = module.to_vec();
        for keyword in &names[..keywords] {
            match keyword.as_str() {
                "crate" => absolute.clear(),
                "super" => drop(absolute.pop()),
                _ => {}
            }
        }
        absolute.extend_from_slice(&names[keywords..]);
        let is_child = || {
            self.0
                .contains_key(absolute.get(..=module.len())?)
                .then_some(())
        };
        (keywords > 0 || is_child().is_some()).then_some(absolute)
    }

    /// The module that defines what this path from the root names.
    fn definer(&self, mut path: Names) -> Names {
        loop {
            let is_module = |depth: &usize| self.0.contains_key(&path[..*depth]);
            let depth = (0..=path.len()).rev().find(is_module).unwrap_or(0);
            let (module, rest) = path.split_at(depth);
            let reexported = rest.first().and_then(|name| self.0[module].uses.get(name));
            match reexported.and_then(|names| self.absolute(names, module)) {
                Some(target) if target != path => path = [&target, &rest[1..]].concat(),
                _ => return module.to_vec(),
            }
        }
    }

    /// The imports that form cycles, each in words.
    fn cycles(&self) -> Vec<String> {
        let mut imports = BTreeMap::new();
        for (importer, module) in &self.0 {
            let paths = module.paths.iter();
            for path in paths.filter_map(|names| self.absolute(names, importer)) {
                let words = format!("{} imports {}", importer.join("::"), path.join("::"));
                let definer = self.definer(path);
                let both = importer.iter().zip(&definer);
                let shared = both.take_while(|(a, b)| a == b).count();
                if let (Some(from), Some(to)) = (importer.get(..=shared), definer.get(..=shared)) {
                    let siblings = (from.to_vec(), to.to_vec());
                    imports.entry(siblings).or_insert(words);
                }
            }
        }
        // In no cycle is an import by a module that none imports, or of one that imports none.
        loop {
            let before = imports.len();
            let (from, to): (BTreeSet<Names>, BTreeSet<Names>) = imports.keys().cloned().unzip();
            imports
                .retain(|(importer, imported), _| to.contains(importer) && from.contains(imported));
            if imports.len() == before {
                return imports.into_values().collect();
            }
        }
    }
}

/// The names of the path that the tokens begin with, and the tokens after it.
fn path(tokens: &[TokenTree]) -> (Names, &[TokenTree]) {
    let mut names = Names::new();
    let mut rest = tokens;
    while let [TokenTree::Ident(name), after @ ..] = rest {
        names.push(name.to_string());
        match after {
            [a, b, next @ ..] if is_punct(a, ':') && is_punct(b, ':') => rest = next,
            _ => return (names, after),
        }
    }
    (names, rest)
}

fn is_punct(token: &TokenTree, wanted: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == wanted)
}

fn begins_with_cfg_test(token: &TokenTree, after: &[TokenTree]) -> bool {
    matches!(after, [TokenTree::Group(attribute), ..]
        if is_punct(token, '#') && attribute.stream().to_string().replace(' ', "") == "cfg(test)")
}

/// The tokens after the first semicolon or block.
fn after_item(tokens: &[TokenTree]) -> &[TokenTree] {
    let is_end = |token: &TokenTree| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        token => is_punct(token, ';'),
    };
    let end = tokens.iter().position(is_end);
    &tokens[end.map_or(tokens.len(), |end| end + 1)..]
}

#[test]
fn no_modules_import_each_other_in_a_cycle() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates");
    let sources = fs::read_dir(crates).unwrap();
    let sources = sources.map(|entry| entry.unwrap().path().join("src"));
    let roots = sources.flat_map(|source| ["lib.rs", "main.rs"].map(|root| source.join(root)));
    let roots: Vec<PathBuf> = roots.filter(|root| root.exists()).collect();
    assert!(roots.len() > 6, "{roots:?}");
    for root in roots {
        let mut read = Crate::default();
        read.add_file(&root, root.parent().unwrap(), &[]);
        let words = "these imports form a cycle; move what the modules share below both";
        assert_eq!(read.cycles(), [""; 0], "{}: {words}", root.display());
    }
}

#[track_caller]
fn assert_cycles(source: &str, expected: &[&str]) {
    let mut made_up = Crate::default();
    made_up.add(source.parse().unwrap(), Path::new("nowhere"), &[]);
    assert_eq!(made_up.cycles(), expected);
}

#[test]
fn a_cycle_is_found_and_each_of_its_imports_is_named() {
    assert_cycles(
        "mod a { use crate::b::{self, B as Other}; }
         mod b { fn f() -> super::c::C {} }
         mod c { use std::fmt; fn f() { println!(\"{}\", crate::a::A); } }
         mod d { use super::{a, b}; }",
        &["a imports b", "b imports c::C", "c imports a::A"],
    );
}

#[test]
fn folders_form_a_cycle_where_no_two_files_do() {
    assert_cycles(
        "mod a { mod one { use crate::c::d; } mod two {} }
         mod c { pub mod d {} mod e { use crate::a::two; } }",
        &["a::one imports c::d", "c::e imports a::two"],
    );
}

#[test]
fn an_import_of_a_re_export_is_one_from_the_module_that_defines_the_name() {
    assert_cycles(
        "pub use b::B;
         mod a { use crate::B; }
         mod b { use crate::a::A; }",
        &["a imports B", "b imports a::A"],
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

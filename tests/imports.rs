//! Arrows between crates point down only, no circle of files is in any of them, and no function names a wire format
//! (docs/decisions/0029-arrows-and-circles.md).

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]
#![allow(clippy::wildcard_enum_match_arm, reason = "syn's enums are open")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use proc_macro2::{TokenStream, TokenTree};
use serde_json::Value;
use syn::visit::{self, Visit};
use syn::{Attribute, Expr, Item, Stmt, UseTree};

/// Whose crates stand on which floor: each may depend on those of lower floors alone.
const FLOORS: [(&str, u8); 18] = [
    ("shared/models", 0),
    ("tests/samples", 1),
    ("tests/memory-aws", 2),
    ("shared/providers", 1),
    ("shared/queue", 1),
    ("shared/runtime", 1),
    ("shared/outbound", 2),
    ("shared/store", 2),
    ("shared/api", 3),
    ("shared/truelayer", 3),
    ("shared/payments", 4),
    ("shared/deliveries", 4),
    ("shared/pages", 4),
    ("shared/mails", 5),
    ("functions/*", 6),
    ("admin", 6),
    ("local", 6),
    ("tests", 7),
];

/// Measures all of it; nothing depends on it.
const ABOVE_ALL: &str = "bench";

/// Who calls whom: these libraries are for these crates alone, and for those that only test or measure.
const CALLERS: [(&str, &[&str]); 7] = [
    ("aws-sdk-dynamodb", &["store"]),
    ("aws-sdk-sqs", &["queue", "admin"]),
    ("aws-sdk-sesv2", &["email-receipt"]),
    ("aws-sdk-secretsmanager", &["truelayer"]),
    ("aws-config", &["admin"]),
    ("reqwest", &["outbound"]),
    // `local` has a simulator of it, by its signatures; `admin` checks its settings.
    ("truelayer", &["payments", "local", "admin"]),
];

/// Who does no I/O: the domain, and the port to providers with its mock banks.
const NO_IO: [&str; 2] = ["models", "providers"];

/// What they must not know: AWS and HTTP, and whatever waits.
const NOT_WITHOUT_IO: [&str; 7] = ["aws", "lambda", "reqwest", "hyper", "http", "tokio", "futures"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The workspace's packages, as Cargo says.
fn packages() -> Vec<Value> {
    let mut cargo = Command::new(env!("CARGO"));
    let output =
        cargo.args(["metadata", "--no-deps", "--offline", "--format-version", "1"]).current_dir(root()).output();
    let metadata: Value = serde_json::from_slice(&output.unwrap().stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

/// A package's folder, from the workspace's root.
fn folder(package: &Value) -> String {
    let manifest = Path::new(package["manifest_path"].as_str().unwrap());
    manifest.parent().unwrap().strip_prefix(root()).unwrap().to_str().unwrap().to_owned()
}

fn floor(folder: &str) -> Option<u8> {
    let is = |known: &str| known.strip_suffix('*').map_or(known == folder, |parent| folder.starts_with(parent));
    let found = FLOORS.iter().find(|(known, _)| is(known)).map(|(_, floor)| *floor);
    found.or((folder == ABOVE_ALL).then_some(u8::MAX))
}

#[test]
fn arrows_between_crates_point_down() {
    let packages = packages();
    let folders: BTreeMap<&str, String> =
        packages.iter().map(|package| (package["name"].as_str().unwrap(), folder(package))).collect();
    let mut wrong = String::new();
    for package in &packages {
        let (name, from) = (package["name"].as_str().unwrap(), folder(package));
        let Some(from_floor) = floor(&from) else {
            writeln!(wrong, "{from} is on no floor: say in FLOORS on which").unwrap();
            continue;
        };
        // What a crate's tests depend on may be anywhere.
        let dependencies = package["dependencies"].as_array().unwrap().iter().filter(|on| on["kind"].is_null());
        for on in dependencies.map(|on| on["name"].as_str().unwrap()) {
            if let Some(to) = folders.get(on)
                && floor(to).is_none_or(|to_floor| to_floor >= from_floor)
            {
                writeln!(wrong, "{from} depends on {to}, which does not stand below it").unwrap();
            }
            let callers = CALLERS.iter().find(|(library, _)| *library == on).map(|(_, callers)| *callers);
            if from_floor < floor("tests").unwrap() && callers.is_some_and(|callers| !callers.contains(&name)) {
                writeln!(wrong, "{from} depends on {on}, which is for {} alone", callers.unwrap().join(", ")).unwrap();
            }
            // That one only calculates.
            let does_io = on != "aws-lc-rs" && NOT_WITHOUT_IO.iter().any(|prefix| on.starts_with(prefix));
            if NO_IO.contains(&name) && does_io {
                writeln!(wrong, "{name} depends on {on}: it does no I/O").unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn no_files_of_a_crate_import_each_other_in_a_circle() {
    let mut found = String::new();
    for package in &packages() {
        for target in package["targets"].as_array().unwrap() {
            if ["lib", "bin"].iter().any(|kind| target["kind"][0] == *kind) {
                let src = Path::new(target["src_path"].as_str().unwrap());
                for circle in Files::read(src).circles() {
                    writeln!(found, "a circle in {}:\n{circle}", folder(package)).unwrap();
                }
            }
        }
    }
    assert!(found.is_empty(), "\n{found}Move what ties a circle below its files.");
}

/// A file that calls its methods has the trait in scope.
const PORT: [&str; 2] = ["providers", "Provider"];

#[test]
fn payments_alone_calls_a_provider() {
    let may = ["payments", "providers", "truelayer", "tests", ABOVE_ALL];
    let mut callers = BTreeSet::new();
    for package in &packages() {
        let name = package["name"].as_str().unwrap();
        for target in package["targets"].as_array().unwrap() {
            if ["lib", "bin"].iter().any(|kind| target["kind"][0] == *kind) {
                let files = Files::read(Path::new(target["src_path"].as_str().unwrap()));
                let names_it = |path: &Vec<String>| path.starts_with(&PORT.map(str::to_owned)) || *path == [PORT[0]];
                let mut paths =
                    files.0.values().flat_map(|file| file.uses.values().chain(&file.globs).chain(&file.paths));
                if paths.any(names_it) {
                    callers.insert(name.to_owned());
                }
            }
        }
    }
    assert!(callers.contains("payments"), "the test sees nothing");
    callers.retain(|caller| !may.contains(&caller.as_str()));
    assert_eq!(callers, BTreeSet::new(), "what follows a provider's answer is payments' to record");
}

/// A module's path from its crate's root.
type Module = Vec<String>;

/// The files of one crate, each a module.
#[derive(Default)]
struct Files(BTreeMap<Module, File>);

/// What one file declares, defines and imports, tests aside.
#[derive(Default)]
struct File {
    children: BTreeSet<String>,
    definitions: BTreeSet<String>,
    /// What names stand for here, by `use`.
    uses: BTreeMap<String, Vec<String>>,
    /// The modules all of whose names are imported.
    globs: Vec<Vec<String>>,
    /// Every path of two names or more.
    paths: BTreeSet<Vec<String>>,
}

impl Files {
    /// A crate's files, from its root on.
    fn read(src: &Path) -> Self {
        let mut files = Self::default();
        let folder = src.parent().unwrap().to_owned();
        let mut left = vec![(Module::new(), src.to_owned(), folder)];
        while let Some((module, path, folder)) = left.pop() {
            let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let file = File::of(&text);
            for child in &file.children {
                let (beside, within) = (folder.join(format!("{child}.rs")), folder.join(child).join("mod.rs"));
                let path: PathBuf = if beside.exists() { beside } else { within };
                left.push(([module.as_slice(), std::slice::from_ref(child)].concat(), path, folder.join(child)));
            }
            files.0.insert(module, file);
        }
        files
    }

    /// Which file defines what a path stands for in this one, however often it is handed on; and the rest of the path.
    fn resolve(&self, from: &[String], path: &[String], depth: u8) -> Option<(Module, String)> {
        let (first, rest) = path.split_first()?;
        if depth == 0 {
            return None;
        }
        match first.as_str() {
            "crate" => self.find(&[], rest, depth),
            "self" => self.find(from, rest, depth),
            "super" => match rest.first().map(String::as_str) {
                Some("super") => self.resolve(from.split_last()?.1, rest, depth),
                Some(_) | None => self.find(from.split_last()?.1, rest, depth),
            },
            name => {
                let file = self.0.get(from)?;
                let known = file.children.contains(name) || file.uses.get(name).is_some_and(|used| used != path);
                if known { self.find(from, path, depth) } else { None }
            }
        }
    }

    fn find(&self, module: &[String], path: &[String], depth: u8) -> Option<(Module, String)> {
        let here = |name: &str| Some((module.to_vec(), name.to_owned()));
        let Some((name, rest)) = path.split_first() else { return here("the module") };
        let file = self.0.get(module)?;
        if file.children.contains(name) {
            return self.find(&[module, std::slice::from_ref(name)].concat(), rest, depth);
        }
        if file.definitions.contains(name) {
            return here(name);
        }
        if let Some(used) = file.uses.get(name) {
            return self.resolve(module, &[used.as_slice(), rest].concat(), depth - 1);
        }
        let by_glob = file.globs.iter().find_map(|glob| {
            let (target, _) = self.resolve(module, glob, depth - 1)?;
            self.0.get(&target)?.definitions.contains(name).then(|| (target, name.clone()))
        });
        by_glob.or_else(|| here(name))
    }

    /// Which names each file takes from which other. Those of a module around it are its own: a file may import its parent.
    fn arrows(&self) -> BTreeMap<&Module, BTreeMap<&Module, BTreeSet<String>>> {
        let mut arrows: BTreeMap<_, BTreeMap<_, BTreeSet<_>>> = BTreeMap::new();
        for (from, file) in &self.0 {
            for path in file.uses.values().chain(&file.globs).chain(&file.paths) {
                let Some((to, name)) = self.resolve(from, path, 32) else { continue };
                if let Some((to, _)) = self.0.get_key_value(&to).filter(|_| !from.starts_with(&to)) {
                    arrows.entry(from).or_default().entry(to).or_default().insert(name);
                }
            }
        }
        arrows
    }

    /// Each circle, with the names that tie it.
    fn circles(&self) -> Vec<String> {
        let arrows = self.arrows();
        let reached = |from| {
            let (mut reached, mut left) = (BTreeSet::new(), vec![from]);
            while let Some(module) = left.pop() {
                left.extend(arrows.get(module).into_iter().flat_map(BTreeMap::keys).filter(|to| reached.insert(**to)));
            }
            reached
        };
        let reached: BTreeMap<&Module, BTreeSet<&Module>> = self.0.keys().map(|from| (from, reached(from))).collect();
        let circle = |from| reached[from].iter().copied().filter(|to| reached[*to].contains(from)).collect();
        let circles: BTreeSet<BTreeSet<&Module>> =
            self.0.keys().map(circle).filter(|circle: &BTreeSet<_>| !circle.is_empty()).collect();
        let within = |circle: &BTreeSet<&Module>| {
            let mut text = String::new();
            for (from, to) in circle.iter().flat_map(|from| arrows[*from].iter().map(move |to| (from, to))) {
                if circle.contains(to.0) {
                    let names: Vec<_> = to.1.iter().map(String::as_str).collect();
                    writeln!(text, "  {} -> {}: {}", from.join("::"), to.0.join("::"), names.join(", ")).unwrap();
                }
            }
            text
        };
        circles.iter().map(within).collect()
    }
}

impl File {
    fn of(text: &str) -> Self {
        let mut file = Self::default();
        file.visit_file(&syn::parse_file(text).unwrap());
        file
    }

    fn add_use(&mut self, tree: &UseTree, mut path: Vec<String>) {
        match tree {
            UseTree::Path(tree) => {
                path.push(tree.ident.to_string());
                self.add_use(&tree.tree, path);
            }
            UseTree::Name(tree) => {
                if tree.ident != "self" {
                    path.push(tree.ident.to_string());
                }
                self.uses.insert(path.last().unwrap().clone(), path);
            }
            UseTree::Rename(tree) => {
                path.push(tree.ident.to_string());
                self.uses.insert(tree.rename.to_string(), path);
            }
            UseTree::Glob(_) => self.globs.push(path),
            UseTree::Group(tree) => tree.items.iter().for_each(|tree| self.add_use(tree, path.clone())),
        }
    }

    /// The paths in a macro's tokens, which are no syntax yet.
    fn add_tokens(&mut self, tokens: TokenStream) {
        let (mut path, mut colons) = (Vec::new(), 0);
        for token in tokens {
            match token {
                TokenTree::Ident(name) => {
                    if colons != 2 {
                        self.add_path(std::mem::take(&mut path));
                    }
                    path.push(name.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' && !path.is_empty() => colons += 1,
                other => {
                    self.add_path(std::mem::take(&mut path));
                    colons = 0;
                    if let TokenTree::Group(group) = other {
                        self.add_tokens(group.stream());
                    }
                }
            }
        }
        self.add_path(path);
    }

    fn add_path(&mut self, path: Vec<String>) {
        if path.len() > 1 {
            self.paths.insert(path);
        }
    }
}

impl<'ast> Visit<'ast> for File {
    fn visit_item(&mut self, item: &'ast Item) {
        let (attributes, name): (&[Attribute], _) = match item {
            Item::Const(item) => (&item.attrs, Some(&item.ident)),
            Item::Enum(item) => (&item.attrs, Some(&item.ident)),
            Item::Fn(item) => (&item.attrs, Some(&item.sig.ident)),
            Item::Macro(item) => (&item.attrs, item.ident.as_ref()),
            Item::Static(item) => (&item.attrs, Some(&item.ident)),
            Item::Struct(item) => (&item.attrs, Some(&item.ident)),
            Item::Trait(item) => (&item.attrs, Some(&item.ident)),
            Item::Type(item) => (&item.attrs, Some(&item.ident)),
            Item::Impl(item) => (&item.attrs, None),
            Item::Mod(item) => (&item.attrs, None),
            Item::Use(item) => (&item.attrs, None),
            _ => (&[], None),
        };
        if is_test(attributes) {
            return;
        }
        self.definitions.extend(name.map(ToString::to_string));
        match item {
            Item::Mod(item) if item.content.is_none() => drop(self.children.insert(item.ident.to_string())),
            Item::Use(item) => self.add_use(&item.tree, Vec::new()),
            _ => visit::visit_item(self, item),
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !is_test(&item.attrs) {
            visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        let attributes: &[Attribute] = match statement {
            Stmt::Expr(Expr::Call(call), _) => &call.attrs,
            Stmt::Local(local) => &local.attrs,
            _ => &[],
        };
        if !is_test(attributes) {
            visit::visit_stmt(self, statement);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.add_path(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        self.visit_path(&item.path);
        self.add_tokens(item.tokens.clone());
    }
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("test")
            || attribute.path().is_ident("cfg") && attribute.parse_args::<syn::Ident>().is_ok_and(|cfg| cfg == "test")
    })
}

/// The circles among these files.
fn circles(files: &[(&str, &str)]) -> Vec<String> {
    let module = |path: &str| path.split("::").filter(|name| !name.is_empty()).map(str::to_owned).collect();
    Files(files.iter().map(|(path, text)| (module(path), File::of(text))).collect()).circles()
}

/// The names of the wire formats, which only `api` knows how to speak.
const FORMATS: [&str; 3] = ["banked", "yorlet", "fintecture"];

/// Files of every kind: a page may name a format as well as a source does.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

#[test]
fn no_function_names_a_format() {
    let files = files_below(&root().join("functions"));
    for kind in ["rs", "html"] {
        let of_kind = files.iter().filter(|path| path.extension().is_some_and(|extension| extension == kind));
        assert!(of_kind.count() > 30, "files of functions that end in .{kind}");
    }
    for path in files {
        let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).to_lowercase();
        let named = FORMATS.iter().find(|name| text.contains(*name));
        assert_eq!(named, None, "{}", path.display());
    }
}

#[test]
fn a_circle_is_seen_through_a_face_and_in_a_macro() {
    let face = ("", "mod a; mod b; pub use a::{A, again as A2};");
    let used = |text| circles(&[face, ("a", "use crate::b::B; pub struct A; pub fn again() {}"), ("b", text)]);
    let expected = |name| vec![format!("  a -> b: B\n  b -> a: {name}\n")];
    assert_eq!(used("pub struct B(crate::A);"), expected("A"));
    assert_eq!(used("pub struct B; fn b() { println!(\"{}\", [crate::A2()]) }"), expected("again"));
    assert_eq!(used("use super::a; pub struct B(a::A);"), expected("A, the module"));
    assert_eq!(used("pub struct B; #[cfg(test)] mod tests { use crate::a::A; }"), [""; 0]);
    assert_eq!(used("pub struct B; fn b() { #[cfg(test)] crate::a::again(); }"), [""; 0]);
    assert_eq!(used("pub struct B; fn b(a: &str) { a::A }"), [""; 0], "of another crate");
}

#[test]
fn a_file_may_import_its_children_and_they_their_parent() {
    let files =
        [("", "mod a; mod b;"), ("a", "mod c; use c::C; pub struct A;"), ("a::c", "use super::A; pub struct C;")];
    assert_eq!(circles(&files), [""; 0]);
    let b = ("b", "pub struct B(crate::a::A);");
    assert_eq!(circles(&[files.as_slice(), &[b]].concat()), [""; 0]);
    let files = [files[0], files[1], b, ("a::c", "use crate::b::B; pub struct C;")];
    assert_eq!(circles(&files).len(), 1, "around the child");
}

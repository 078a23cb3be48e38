//! Which file uses which, from the text of a crate.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use syn::visit::{self, Visit};
use syn::{Attribute, Item, UseTree, Visibility};

/// A module path below the crate's root.
type Module = Vec<String>;

/// What one file says.
#[derive(Default)]
struct File {
    /// Names that it defines.
    defined: BTreeSet<String>,
    /// Names that it imports, and the paths that they stand for.
    imported: BTreeMap<String, Vec<String>>,
    /// Those of them that it hands on to others.
    handed_on: BTreeSet<String>,
    /// Paths of two names or more in its code.
    paths: Vec<Vec<String>>,
    /// Single names in its code.
    idents: BTreeSet<String>,
}

impl File {
    fn import(&mut self, tree: &UseTree, mut prefix: Vec<String>, hands_on: bool) {
        let (name, alias) = match tree {
            UseTree::Path(path) => {
                prefix.push(path.ident.to_string());
                return self.import(&path.tree, prefix, hands_on);
            }
            UseTree::Group(group) => {
                let items = group.items.iter();
                return items.for_each(|tree| self.import(tree, prefix.clone(), hands_on));
            }
            UseTree::Glob(_) => return,
            UseTree::Name(name) => (name.ident.to_string(), name.ident.to_string()),
            UseTree::Rename(name) => (name.ident.to_string(), name.rename.to_string()),
        };
        // `use a::{self}` imports `a`.
        let own = name == "self";
        let alias = match own && alias == "self" {
            true => prefix.last().cloned().unwrap_or_default(),
            false => alias,
        };
        if !own {
            prefix.push(name);
        }
        if hands_on {
            self.handed_on.insert(alias.clone());
        }
        self.imported.insert(alias, prefix);
    }
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let list = attribute.meta.require_list();
        list.is_ok_and(|list| list.path.is_ident("cfg") && list.tokens.to_string().contains("test"))
    })
}

impl<'ast> Visit<'ast> for File {
    fn visit_item(&mut self, item: &'ast Item) {
        let (attributes, name) = match item {
            Item::Const(i) => (&i.attrs, Some(&i.ident)),
            Item::Enum(i) => (&i.attrs, Some(&i.ident)),
            Item::Fn(i) => (&i.attrs, Some(&i.sig.ident)),
            Item::Static(i) => (&i.attrs, Some(&i.ident)),
            Item::Struct(i) => (&i.attrs, Some(&i.ident)),
            Item::Trait(i) => (&i.attrs, Some(&i.ident)),
            Item::Type(i) => (&i.attrs, Some(&i.ident)),
            Item::Macro(i) => (&i.attrs, i.ident.as_ref()),
            Item::Mod(i) => (&i.attrs, None),
            Item::Use(i) => {
                if !is_test(&i.attrs) {
                    let hands_on = !matches!(i.vis, Visibility::Inherited);
                    self.import(&i.tree, Vec::new(), hands_on);
                }
                return;
            }
            Item::Impl(i) => (&i.attrs, None),
            _ => return visit::visit_item(self, item),
        };
        if is_test(attributes) {
            return;
        }
        self.defined.extend(name.map(ToString::to_string));
        visit::visit_item(self, item);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments = path.segments.iter().map(|s| s.ident.to_string());
        let segments: Vec<_> = segments.collect();
        match segments.as_slice() {
            [one] => _ = self.idents.insert(one.clone()),
            _ => self.paths.push(segments),
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        // Arguments are tokens: every name among them counts, and every path, but not what is quoted.
        let text = call.tokens.to_string();
        let text: Vec<_> = text.split('"').step_by(2).collect();
        let text = text.concat().replace(" :: ", "::");
        let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
        for path in text.split(|c| !is_name(c)).filter(|p| !p.is_empty()) {
            let segments: Vec<_> = path.split("::").map(str::to_string).collect();
            match segments.as_slice() {
                [one] => _ = self.idents.insert(one.clone()),
                _ => self.paths.push(segments),
            }
        }
        visit::visit_macro(self, call);
    }
}

/// The files of a crate.
pub struct Source {
    files: BTreeMap<Module, File>,
    /// The file of each module, from the root of the sources.
    names: BTreeMap<Module, String>,
}

impl Source {
    /// Reads all files below `root`.
    pub fn read(root: &Path) -> Self {
        let mut source = Self {
            files: BTreeMap::new(),
            names: BTreeMap::new(),
        };
        source.read_folder(root, root);
        source
    }

    fn read_folder(&mut self, root: &Path, folder: &Path) {
        for entry in fs::read_dir(folder).expect("a folder of sources") {
            let path = entry.expect("a file").path();
            if path.is_dir() {
                self.read_folder(root, &path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = fs::read_to_string(&path).expect("a source file");
                let mut file = File::default();
                file.visit_file(&syn::parse_file(&text).expect("Rust"));
                let name = path.strip_prefix(root).expect("below the root");
                let name = name.to_str().expect("a name").replace('\\', "/");
                let module = name.trim_end_matches(".rs").split('/');
                let mut module: Module = module.map(str::to_string).collect();
                if matches!(
                    module.last().map(String::as_str),
                    Some("mod" | "lib" | "main")
                ) {
                    module.pop();
                }
                self.files.insert(module.clone(), file);
                self.names.insert(module, name);
            }
        }
    }

    /// The module whose file defines what `path`, seen from `from`, ends with or passes through.
    fn resolve(&self, from: &Module, path: &[String], depth: usize) -> Option<Module> {
        let (first, rest) = path.split_first()?;
        if depth > 16 {
            return None;
        }
        match first.as_str() {
            "crate" => self.descend(&Vec::new(), rest, depth),
            "self" => self.descend(from, rest, depth),
            "super" => {
                let (_, parent) = from.split_last()?;
                let parent = parent.to_vec();
                match rest.first().map(String::as_str) {
                    Some("super") => self.resolve(&parent, rest, depth + 1),
                    _ => self.descend(&parent, rest, depth),
                }
            }
            _ => match self.files.get(from)?.imported.get(first) {
                Some(import) if import[0] != *first || import.len() > 1 => {
                    let whole: Vec<_> = import.iter().chain(rest).cloned().collect();
                    self.resolve(from, &whole, depth + 1)
                }
                _ => {
                    let child: Module = from.iter().chain([first]).cloned().collect();
                    let is_child = self.files.contains_key(&child);
                    is_child.then(|| self.descend(&child, rest, depth))?
                }
            },
        }
    }

    fn descend(&self, module: &Module, path: &[String], depth: usize) -> Option<Module> {
        let file = self.files.get(module)?;
        let Some((first, rest)) = path.split_first() else {
            return Some(module.clone());
        };
        let child: Module = module.iter().chain([first]).cloned().collect();
        if self.files.contains_key(&child) {
            return self.descend(&child, rest, depth + 1);
        }
        if !file.defined.contains(first) && file.imported.contains_key(first) {
            let whole: Vec<_> = file.imported[first].iter().chain(rest).cloned().collect();
            return self.resolve(module, &whole, depth + 1);
        }
        Some(module.clone())
    }

    /// Every pair of a file and one that it uses.
    pub fn arrows(&self) -> BTreeSet<(&str, &str)> {
        let mut arrows = BTreeSet::new();
        for (module, file) in &self.files {
            // What is only handed on is not used.
            let used = |alias: &String| {
                file.idents.contains(alias) || file.paths.iter().any(|p| p[0] == *alias)
            };
            let used = |alias: &String| !file.handed_on.contains(alias) || used(alias);
            let imports = file.imported.iter().filter(|(alias, _)| used(alias));
            let imports = imports.map(|(_, path)| path);
            for path in imports.chain(&file.paths) {
                if let Some(target) = self.resolve(module, path, 0)
                    && target != *module
                {
                    arrows.insert((&*self.names[module], &*self.names[&target]));
                }
            }
        }
        arrows
    }

    /// The sets of files that use each other, directly or through others: each sorted.
    pub fn circles(&self) -> Vec<Vec<&str>> {
        let mut uses: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (from, to) in self.arrows() {
            uses.entry(from).or_default().push(to);
        }
        let reach = |start| {
            let (mut seen, mut open) = (BTreeSet::new(), vec![start]);
            while let Some(file) = open.pop() {
                let next = uses.get(file).into_iter().flatten();
                open.extend(next.filter(|&&to| seen.insert(to)));
            }
            seen
        };
        let names = self.names.values().map(String::as_str);
        let reached: BTreeMap<&str, BTreeSet<&str>> = names.map(|n| (n, reach(n))).collect();
        let mut circles = BTreeSet::new();
        for (&file, others) in &reached {
            if others.contains(file) {
                let mutual = others
                    .iter()
                    .filter(|&&other| reached[other].contains(file));
                circles.insert(mutual.copied().collect::<Vec<_>>());
            }
        }
        circles.into_iter().collect()
    }
}

/// The built-in rule files: (path, text). A test proves that this list is the folder `rules/clients`.
pub const BUILT_IN: &[(&str, &str)] = &[
];

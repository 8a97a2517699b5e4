//! x
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let t = std::fs::read_to_string(&a[2]).unwrap();
    let l: tree_sitter::Language = match a[1].as_str() {
        "kotlin" => tree_sitter_kotlin_ng::LANGUAGE.into(),
        "php" => tree_sitter_php::LANGUAGE_PHP.into(),
        "cs" => tree_sitter_c_sharp::LANGUAGE.into(),
        "ts" => tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into(),
        "java" => tree_sitter_java::LANGUAGE.into(),
        "go" => tree_sitter_go::LANGUAGE.into(),
        "py" => tree_sitter_python::LANGUAGE.into(),
        _ => tree_sitter_ruby::LANGUAGE.into(),
    };
    let mut p = tree_sitter::Parser::new();
    p.set_language(&l).unwrap();
    println!("{}", p.parse(&t, None).unwrap().root_node().to_sexp());
}

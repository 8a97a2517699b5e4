//! The fields of entities, as ORM classes say them in each language, with their places.

use std::path::Path;

use unbraid::model::SchemaFact;
use unbraid::{Request, analyze, read};

/// The schemas that one service with this file gives.
fn schemas(file: &str, code: &str) -> Vec<SchemaFact> {
    let folder = tempfile::tempdir().expect("temp dir");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).expect("folder");
        std::fs::write(path, text).expect("written");
    };
    write("docker-compose.yml", "services:\n  orders:\n    build: ./orders\n");
    write(&format!("orders/{file}"), code);
    let request = Request { inputs: vec![folder.path().to_path_buf()], ..Request::default() };
    let result = analyze(&read(&request).expect("read"));
    result.schemas.into_iter().filter(|s| s.format == "orm").collect()
}

/// `table: name type! *` for each field: `!` required, `*` key.
fn lines(file: &str, code: &str) -> Vec<String> {
    schemas(file, code)
        .iter()
        .flat_map(|s| {
            assert_eq!(s.services, ["orders"]);
            s.fields.iter().map(move |f| {
                let marks = [(f.required, "!"), (f.key, "*")].iter().filter(|m| m.0).map(|m| m.1).collect::<String>();
                assert!(f.line > 0, "{} has no line", f.name);
                format!("{}: {} {}{marks}", s.table.clone().unwrap_or_default(), f.name, f.type_name)
            })
        })
        .collect()
}

#[test]
fn java() {
    let code = "package a;\nimport jakarta.persistence.*;\n@Entity\n@Table(name = \"orders\")\nclass Order {\n  static final String KIND = \"x\";\n  @Id private java.util.UUID id;\n  @Column(name = \"buyer\", nullable = false) private String customerId;\n  private String noteText;\n  private long totalCents;\n  @Transient private int seen;\n  @OneToMany private java.util.List<Line> lines;\n}\n";
    assert_eq!(
        lines("Order.java", code),
        [
            "orders: id java.util.UUID!*",
            "orders: buyer String!",
            "orders: note_text String",
            "orders: total_cents long!"
        ]
    );
}

/// MongoDB keeps the names of properties, and the identity as `_id`; its database stands beside the host.
#[test]
fn documents() {
    let code = "package a;\nimport org.springframework.data.annotation.Id;\nimport org.springframework.data.mongodb.core.mapping.*;\n@Document(collection = \"stations\")\nclass Station {\n  @Id private String id;\n  @Field(\"n\") private String name;\n  private int stayTime;\n}\n";
    assert_eq!(
        lines("Station.java", code),
        ["stations: _id String!*", "stations: n String", "stations: stayTime int!"]
    );
}

#[test]
fn kotlin() {
    let code = "package a\nimport jakarta.persistence.*\n@Entity\n@Table(name = \"orders\")\nclass Order(\n  @Id val id: Long,\n  val buyerName: String?,\n)\n";
    assert_eq!(lines("Order.kt", code), ["orders: id Long!*", "orders: buyer_name String?"]);
}

#[test]
fn csharp() {
    let code = "namespace A;\npublic class Shop : DbContext { public DbSet<Order> Orders { get; set; } }\npublic class Order {\n  public int Id { get; set; }\n  [Required] public string Name { get; set; }\n  public decimal? Total { get; set; }\n  public ICollection<Line> Lines { get; set; }\n  private readonly List<Line> _x;\n}\n";
    assert_eq!(lines("Order.cs", code), ["orders: Id int!*", "orders: Name string!", "orders: Total decimal?"]);
}

#[test]
fn python() {
    let code = "from sqlalchemy import Column, Integer, String\nclass Order(Base):\n    __tablename__ = \"orders\"\n    id = Column(Integer, primary_key=True)\n    name = Column(\"full_name\", String(20), nullable=False)\n    note: Mapped[Optional[str]] = mapped_column()\n    lines = relationship(\"Line\")\n";
    assert_eq!(lines("models.py", code), ["orders: id Integer!*", "orders: full_name String!", "orders: note str"]);
    let code = "from django.db import models\nclass Item(models.Model):\n    sku = models.CharField(max_length=20, primary_key=True)\n    n = models.IntegerField(null=True)\n    class Meta:\n        db_table = \"items\"\n";
    assert_eq!(lines("models.py", code), ["items: sku CharField!*", "items: n IntegerField"]);
}

#[test]
fn typescript() {
    let code = "import { Entity, Column, PrimaryGeneratedColumn } from \"typeorm\";\n@Entity(\"orders\")\nexport class Order {\n  @PrimaryGeneratedColumn(\"uuid\") id: string;\n  @Column({ name: \"full_name\" }) name: string;\n  @Column({ nullable: true }) note: string;\n}\n";
    assert_eq!(lines("order.ts", code), ["orders: id string!*", "orders: full_name string!", "orders: note string"]);
}

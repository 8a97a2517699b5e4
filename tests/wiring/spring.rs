//! Spring: shared configuration, discovery by library, Zuul without routes, channels of Spring Cloud Stream.

use super::{edges, system};

fn pom(name: &str, libraries: &[&str]) -> String {
    let all: String = libraries
        .iter()
        .map(|l| format!("<dependency><groupId>g</groupId><artifactId>{l}</artifactId></dependency>"))
        .collect();
    format!(
        "<project><artifactId>{name}</artifactId><dependencies>{all}</dependencies>\
         <build><plugins><plugin><artifactId>spring-boot-maven-plugin</artifactId></plugin></plugins></build></project>"
    )
}

const MAIN: &str = "@SpringBootApplication\nclass App { public static void main(String[] a) { } }\n";

#[test]
fn clients_of_a_registry_name_no_address_and_zuul_routes_by_name() {
    let client = "spring-cloud-starter-netflix-eureka-client";
    let zuul = "@SpringBootApplication\n@EnableZuulProxy\nclass App { public static void main(String[] a) { } }\n";
    let found = system(&[
        ("eureka/pom.xml", &pom("eureka", &["spring-cloud-starter-netflix-eureka-server"])),
        ("eureka/src/main/java/App.java", MAIN),
        ("orders/pom.xml", &pom("orders", &[client])),
        ("orders/src/main/java/App.java", MAIN),
        ("edge/pom.xml", &pom("edge", &["spring-cloud-starter-netflix-zuul", client])),
        ("edge/src/main/java/App.java", zuul),
    ]);
    assert_eq!(edges(&found), ["edge -> eureka infra", "edge -> orders sync", "orders -> eureka infra"]);
}

#[test]
fn shared_configuration_concerns_clients_that_have_the_library() {
    let found = system(&[
        ("config/pom.xml", &pom("config", &["spring-cloud-config-server"])),
        ("config/src/main/java/App.java", MAIN),
        (
            "config/src/main/resources/shared/application.yml",
            "security:\n  oauth2:\n    resource:\n      user-info-uri: http://auth:5000/me\n",
        ),
        ("auth/pom.xml", &pom("auth", &["spring-cloud-starter-config"])),
        ("auth/src/main/java/App.java", MAIN),
        ("orders/pom.xml", &pom("orders", &["spring-cloud-starter-config", "spring-cloud-starter-oauth2"])),
        ("orders/src/main/java/App.java", MAIN),
        ("mail/pom.xml", &pom("mail", &["spring-cloud-starter-config"])),
        ("mail/src/main/java/App.java", MAIN),
    ]);
    let sync: Vec<String> = edges(&found).into_iter().filter(|e| e.ends_with("sync")).collect();
    assert_eq!(sync, ["orders -> auth sync"]);
}

#[test]
fn channels_stand_for_their_destinations() {
    let source =
        "import org.springframework.cloud.stream.messaging.Source;\n@EnableBinding(Source.class)\nclass Out { }\n";
    let sink = "import org.springframework.cloud.stream.messaging.Sink;\nclass In { @StreamListener(target = Sink.INPUT) void on(String s) { } }\n";
    let both = "spring.cloud.stream.bindings.output.destination=placed\nspring.cloud.stream.bindings.input.destination=placed\n";
    let found = system(&[
        ("orders/pom.xml", &pom("orders", &[])),
        ("orders/src/main/java/App.java", MAIN),
        ("orders/src/main/java/Out.java", source),
        ("orders/src/main/resources/application.properties", both),
        ("mail/pom.xml", &pom("mail", &[])),
        ("mail/src/main/java/App.java", MAIN),
        ("mail/src/main/java/In.java", sink),
        ("mail/src/main/resources/application.properties", both),
    ]);
    assert_eq!(edges(&found), ["orders -> mail async"]);
}

#[test]
fn a_builder_in_a_local_keeps_what_is_set_on_it() {
    let code = "class Config {\n  @Bean\n  DataSource source() {\n  DataSourceBuilder b = DataSourceBuilder.create();\n  b.url(\"jdbc:mysql://db:3306/cities\");\n  return b.build();\n} }\n";
    let found = system(&[
        ("docker-compose.yml", "services:\n  db:\n    image: mysql\n  cities:\n    build: ./cities\n"),
        ("cities/pom.xml", &pom("cities", &[])),
        ("cities/src/main/java/App.java", MAIN),
        ("cities/src/main/java/Config.java", code),
    ]);
    assert_eq!(edges(&found), ["cities -> db data"]);
}

/// Methods of a mapping read the keys that are called like them; a page in the sources of a service is a part of it.
#[test]
fn methods_of_a_mapping_read_keys() {
    let found = system(&[
        ("compose.yaml", "services:\n  fights: {build: fights}\n  villains: {build: villains}\n"),
        ("fights/pom.xml", "<project><artifactId>fights</artifactId></project>"),
        (
            "fights/src/main/webui/package.json",
            "{\"name\": \"webui\", \"scripts\": {\"start\": \"x\"}, \"dependencies\": {\"react\": \"18\"}}",
        ),
        ("fights/src/main/webui/index.js", "console.log('page')\n"),
        ("fights/src/main/resources/application.properties", "fight.villain.base-url=http://villains:8080\n"),
        (
            "fights/src/main/java/FightConfig.java",
            "import io.smallrye.config.ConfigMapping;\n@ConfigMapping(prefix = \"fight\")\npublic interface FightConfig {\n\
             Villain villain();\n  interface Villain { String baseUrl(); }\n}\n",
        ),
        (
            "fights/src/main/java/Fights.java",
            "@RestController class Fights {\n  private final FightConfig config;\n  private final RestTemplate rest = new RestTemplate();\n\
             Fights(FightConfig config) { this.config = config; }\n\
             @GetMapping(\"/fights\") String fight() { return rest.getForObject(config.villain().baseUrl() + \"/villains\", String.class); }\n}\n",
        ),
        ("villains/pom.xml", "<project><artifactId>villains</artifactId></project>"),
        (
            "villains/src/main/java/Villains.java",
            "@RestController class Villains { @GetMapping(\"/villains\") String all() { return null; } }\n",
        ),
    ]);
    assert_eq!(edges(&found), ["fights -> villains sync"]);
    let services: Vec<_> = found.services.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(services, ["fights", "villains"]);
}

//! Tests of the walk on code written for them.

use super::*;

fn unit(source: &str) -> Unit {
    extract(source, "typescript", &tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into())
}

#[test]
fn reads_modules_classes_and_templates() {
    let unit = unit(
        r#"import axios, { AxiosInstance } from "axios";
import * as cfg from './config';
const { a, b: c } = require("./x");
export const orders = axios.create({ baseURL: process.env.ORDERS_URL ?? "http://orders" });
@Injectable()
export class Api {
  private readonly base: string = cfg.base;
  constructor(private readonly http: HttpService, url = "u") {}
  @Get("/x/:id")
  async find(id: string) { const r = await this.http.get(`${this.base}/orders/${id}`); return r.data; }
}
ids.forEach(async (id) => { void send(id); });
"#,
    );
    let imported: Vec<&str> = unit.imports.iter().map(|i| i.name.as_str()).collect();
    assert_eq!(imported, ["axios", "AxiosInstance", "cfg", "a", "c"]);
    assert_eq!(unit.types[0].annotations[0].name, "Injectable");
    let find = unit.functions.iter().find(|f| f.name == "find").expect("method");
    assert_eq!((find.owner.as_deref(), find.annotations[0].name.as_str()), (Some("Api"), "Get"));
    assert!(unit.bindings.iter().any(|b| b.place == "this.http" && b.type_name.as_deref() == Some("HttpService")));
    let get = unit.calls.iter().find(|c| c.name == "get").expect("call");
    assert!(matches!(&get.arguments[0].value, Expr::Concat(parts) if parts.len() == 3));
    let send = unit.calls.iter().find(|c| c.name == "send").expect("send");
    assert!(send.in_loop && send.spawned && !send.result_used);
}

#[test]
fn what_a_callback_looks_at_is_used() {
    let unit = unit(
        r#"
request.post(url, function (error, response, body) { if (error) return next(error); show(body); });
request.put(url, (error, response) => { if (error) log(error); });
request.del(url);
request.patch(url, function (error, response) { this.send(response); }.bind({ send }));
"#,
    );
    let used = |name: &str| unit.calls.iter().find(|c| c.name == name).map(|c| c.result_used);
    assert_eq!(["post", "put", "del", "patch"].map(used), [Some(true), Some(false), Some(false), Some(true)]);
}

#[test]
fn components_keep_their_lines() {
    let script = script_of("<template>\n<p/>\n</template>\n<script>\nfetch('/x')\n</script>\n");
    assert_eq!(script.lines().nth(4), Some("fetch('/x')"));
}

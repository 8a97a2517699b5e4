//! Helm charts whose values are plain.

use super::{edges, system};

const DEPLOYMENT: &str = "{{- if .Values.enabled }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include \"app.fullname\" . }}
spec:
  template:
    metadata:
      labels: {app: {{ include \"app.fullname\" . }}}
    spec:
      containers:
        - name: {{ .Chart.Name }}
          image: \"{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}\"
          env:
            {{- range $key, $value := .Values.env }}
            - name: {{ $key }}
              value: {{ $value | quote }}
            {{- end }}
{{- end }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ include \"app.fullname\" . }}
spec:
  selector: {app: {{ include \"app.fullname\" . }}}
  ports: [{port: {{ .Values.port }}}]
";

const HELPERS: &str = "{{- define \"app.fullname\" -}}\n{{- if .Values.fullnameOverride -}}\n{{- .Values.fullnameOverride | trunc 63 | trimSuffix \"-\" -}}\n{{- else -}}\n{{- printf \"%s\" .Chart.Name -}}\n{{- end -}}\n{{- end -}}\n";

fn values(image: &str, env: &str) -> String {
    format!("enabled: true\nport: 80\nimage: {{repository: acme/{image}}}\nenv: {{{env}}}\n")
}

const CARTS: &str = "const axios = require('axios');\naxios.get(`${process.env.STOCK_URL}/items`);\n";

#[test]
fn a_chart_is_rendered_with_its_values() {
    let files = [
        ("charts/carts/Chart.yaml", "name: carts\nversion: 1.0.0\n".to_owned()),
        ("charts/carts/values.yaml", values("carts", "STOCK_URL: 'http://stock'")),
        ("charts/carts/templates/deployment.yaml", DEPLOYMENT.to_owned()),
        ("charts/carts/templates/_helpers.tpl", HELPERS.to_owned()),
        ("charts/stock/Chart.yaml", "name: stock\nversion: 1.0.0\n".to_owned()),
        ("charts/stock/values.yaml", values("stock", "")),
        ("charts/stock/templates/deployment.yaml", DEPLOYMENT.to_owned()),
        ("charts/stock/templates/_helpers.tpl", HELPERS.to_owned()),
        ("carts/package.json", "{\"name\": \"carts\", \"scripts\": {\"start\": \"node x.js\"}}".to_owned()),
        ("carts/x.js", CARTS.to_owned()),
    ];
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let found = system(&files);
    assert_eq!(edges(&found), ["carts -> stock sync"]);
    let chain = &found.dependencies[0].sites[0].chain;
    let place = |c: &unbraid::model::Evidence| c.place.to_string();
    assert!(chain.iter().any(|c| place(c).starts_with("charts/carts/templates/deployment.yaml:16")), "{chain:?}");
}

#[test]
fn one_chart_serves_several_services_by_alias() {
    let umbrella = "name: shop\ndependencies:\n  - {name: app, alias: carts, repository: 'file://../app'}\n  - {name: app, alias: stock, repository: 'file://../app'}\n";
    let of = "carts:\n  fullnameOverride: carts\n  image: {repository: acme/carts}\n  env: {STOCK_URL: 'http://stock'}\nstock:\n  fullnameOverride: stock\n  image: {repository: acme/stock}\n";
    let own = values("none", "");
    let found = system(&[
        ("charts/app/Chart.yaml", "name: app\n"),
        ("charts/app/values.yaml", &own),
        ("charts/app/templates/deployment.yaml", DEPLOYMENT),
        ("charts/app/templates/_helpers.tpl", HELPERS),
        ("charts/shop/Chart.yaml", umbrella),
        ("charts/shop/values.yaml", of),
        ("carts/package.json", "{\"name\": \"carts\", \"scripts\": {\"start\": \"node x.js\"}}"),
        ("carts/x.js", CARTS),
    ]);
    assert_eq!(edges(&found), ["carts -> stock sync"]);
}

#[test]
fn what_cannot_be_rendered_is_told() {
    let found = system(&[
        ("chart/Chart.yaml", "name: carts\n"),
        ("chart/values.yaml", "a: 1\n"),
        (
            "chart/templates/all.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {a: {{ .Files.Get \"a\" }}}\n",
        ),
    ]);
    let told = found.notes.iter().any(|n| n.text.contains("helm template") && n.text.contains("other files"));
    assert!(told, "{:?}", found.notes);
}

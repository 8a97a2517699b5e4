//! Templates in, text out.

use serde_json::json;

use super::*;

fn render(text: &str) -> Result<String, String> {
    let data = json!({"Values": {"name": "orders", "port": 80, "on": true, "off": false,
        "env": {"B": "2", "A": "1"}, "list": ["x", "y"]}, "Release": {"Name": "shop"}});
    Templates::default().render(text, &data).map(|r| r.text)
}

#[test]
fn values_functions_and_pipelines() {
    for (template, expected) in [
        ("a: {{ .Values.name }}", "a: orders"),
        ("{{ .Values.none | default \"d\" | quote }}", "\"d\""),
        ("{{ printf \"%s-%s:%d\" .Release.Name .Values.name .Values.port }}", "shop-orders:80"),
        ("x{{- if .Values.off }} a{{ else if eq .Values.name \"orders\" }} b{{ else }} c{{ end }}", "x b"),
        ("{{ range $k, $v := .Values.env }}{{ $k }}={{ $v }};{{ end }}", "A=1;B=2;"),
        ("{{ range .Values.list }}{{ . }}{{ $.Values.name }} {{ end }}", "xorders yorders "),
        ("{{ with .Values.env }}{{ .A }}{{ end }}{{ with .Values.none }}n{{ else }}e{{ end }}", "1e"),
        ("{{/* a }} comment */}}{{ $x := .Values.name | upper }}{{ $x }}", "ORDERS"),
        ("{{ define \"n\" }}{{ .Values.name | trunc 3 | trimSuffix \"d\" }}{{ end }}{{ include \"n\" . }}", "or"),
        ("a:{{ .Values.env | toYaml | nindent 2 }}", "a:\n  A: '1'\n  B: '2'"),
        ("{{ if and .Values.on (not .Values.off) }}y{{ end }}{{ .Capabilities.APIVersions.Has \"x\" }}", "yfalse"),
    ] {
        assert_eq!(render(template).as_deref(), Ok(expected), "{template}");
    }
}

#[test]
fn what_is_not_known_is_an_error() {
    for template in
        ["{{ .Files.Get \"a\" }}", "{{ whatever 1 }}", "{{ if .x }}", "{{ end }}", "{{ include \"n\" . }}", "{{ (1 }}"]
    {
        assert!(render(template).is_err(), "{template}");
    }
    let endless = "{{ define \"n\" }}{{ include \"n\" . }}{{ end }}{{ include \"n\" . }}";
    assert!(render(endless).is_err());
}

#[test]
fn lines_of_the_template_are_kept() {
    let template = "{{- if .on }}\na: 1\n{{- range .list }}\nb: {{ . }}\n{{- end }}\n{{- end }}\nc: 3\n";
    let rendered = Templates::default().render(template, &json!({"on": true, "list": [1, 2]})).expect("a template");
    assert_eq!(rendered.text, "\na: 1\nb: 1\nb: 2\nc: 3\n");
    assert_eq!(rendered.lines[1..5], [2, 4, 4, 7]);
}

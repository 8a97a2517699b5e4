//! `--engine` as written -> which engine and where. Credentials never stand in it: whoever lists the processes of a
//! machine reads them there, and so does whoever reads a log.

use std::fmt;

/// Where spans are aggregated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// Here, from the inputs alone.
    Local,
    /// A Spark Connect server: `sc://host:port` with the parameters of its protocol.
    Spark(String),
    /// ClickHouse by HTTP.
    ClickHouse(Http),
    /// Any database with an ADBC driver.
    Adbc {
        /// A library's path or the name that its manager finds it by.
        driver: String,
        /// What the driver connects to; empty if it stands in the environment.
        uri: String,
    },
}

/// A server that answers by HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Http {
    /// `http://host:port` or `https://host:port`.
    pub origin: String,
    /// What stands behind `?`: the settings of each statement.
    pub settings: Vec<(String, String)>,
}

/// The forms that there are.
pub const FORMS: &str = "local, spark=sc://host:port, clickhouse=http://host:port or adbc=driver:uri";

/// Names of parameters that hold a secret.
const SECRET: &[&str] = &["password", "passwd", "pwd", "token", "secret", "api_key", "apikey", "user", "username"];

const OUTSIDE: &str = "credentials stand in it; take them out and give UNBRAID_ENGINE_USER, UNBRAID_ENGINE_PASSWORD, \
    UNBRAID_ENGINE_TOKEN or UNBRAID_ENGINE_URI (or the same name with _FILE, which names a file)";

impl Address {
    /// Reads what was given.
    ///
    /// # Errors
    /// What is wrong with it; never what stands in it where that may be a secret.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text == "local" {
            return Ok(Self::Local);
        }
        match text.split_once('=') {
            Some(("spark", rest)) => spark(rest),
            Some(("clickhouse", rest)) => Ok(Self::ClickHouse(http(rest)?)),
            Some(("adbc", rest)) => adbc(rest),
            _ => {
                let word = text.split(['=', ':', '/']).next().unwrap_or_default();
                Err(format!("`{word}` is no engine; there are {FORMS}"))
            }
        }
    }

    /// The feature that its client is built with.
    #[must_use]
    pub fn feature(&self) -> Option<&'static str> {
        match self {
            Self::Local => None,
            Self::Spark(_) => Some("spark"),
            Self::ClickHouse(_) => Some("clickhouse"),
            Self::Adbc { .. } => Some("adbc"),
        }
    }
}

/// As it may be shown: it never holds credentials.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local => f.write_str("local"),
            Self::Spark(url) => write!(f, "spark {}", url.split(";").next().unwrap_or_default().trim_end_matches('/')),
            Self::ClickHouse(http) => write!(f, "clickhouse {}", http.origin),
            Self::Adbc { driver, .. } => {
                write!(f, "adbc {}", driver.rsplit(['/', '\\']).next().unwrap_or_default())
            }
        }
    }
}

/// Neither a user before `@` nor a parameter that holds a secret.
fn without_credentials<'t>(host: &str, parameters: impl Iterator<Item = &'t str>) -> Result<(), String> {
    let is_secret = |p: &str| {
        let name = p.split('=').next().unwrap_or_default().trim().to_ascii_lowercase();
        SECRET.contains(&name.as_str()) || name.ends_with("password") || name.ends_with("token")
    };
    let mut parameters = parameters;
    if host.contains('@') || parameters.any(is_secret) { Err(OUTSIDE.to_owned()) } else { Ok(()) }
}

fn spark(url: &str) -> Result<Address, String> {
    let rest = url.strip_prefix("sc://").ok_or("spark: write spark=sc://host:port, as Spark Connect has it")?;
    let mut parts = rest.split(';');
    let host = parts.next().unwrap_or_default();
    without_credentials(host, parts)?;
    if host.trim_end_matches('/').is_empty() {
        return Err("spark: no host; write spark=sc://host:port".to_owned());
    }
    Ok(Address::Spark(url.to_owned()))
}

fn http(url: &str) -> Result<Http, String> {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    let rest = rest.ok_or("clickhouse: write clickhouse=http://host:8123 or https://")?;
    let (host, query) = rest.split_once('?').unwrap_or((rest, ""));
    let parameters = || query.split('&').filter(|p| !p.is_empty());
    without_credentials(host, parameters())?;
    if host.trim_end_matches('/').is_empty() {
        return Err("clickhouse: no host; write clickhouse=http://host:8123".to_owned());
    }
    let settings =
        parameters().map(|p| p.split_once('=').unwrap_or((p, ""))).map(|(k, v)| (k.to_owned(), v.to_owned()));
    let scheme = url.split("://").next().unwrap_or_default();
    Ok(Http { origin: format!("{scheme}://{}", host.trim_end_matches('/')), settings: settings.collect() })
}

fn adbc(text: &str) -> Result<Address, String> {
    // A drive letter of Windows is no driver.
    let from = if text.get(1..3) == Some(":\\") { 2 } else { 0 };
    let at = text[from..].find(':').ok_or("adbc: write adbc=driver:uri, like adbc=adbc_driver_sqlite:spans.db")? + from;
    let (driver, uri) = (&text[..at], &text[at + 1..]);
    if driver.is_empty() {
        return Err("adbc: no driver; write adbc=driver:uri".to_owned());
    }
    let authority = uri.split_once("://").map_or("", |(_, rest)| rest.split(['/', '?']).next().unwrap_or_default());
    without_credentials(authority, uri.split(['?', '&', ';', ' ']).skip(1))?;
    Ok(Address::Adbc { driver: driver.to_owned(), uri: uri.to_owned() })
}

/// Who asks. Its debug form shows nothing of it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Credentials {
    /// User.
    pub user: Option<String>,
    /// Password.
    pub password: Option<String>,
    /// Bearer token.
    pub token: Option<String>,
    /// A whole address that holds credentials.
    pub uri: Option<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(***)")
    }
}

impl Credentials {
    /// A text of a client or server without what is secret, in one line.
    #[must_use]
    pub fn mask(&self, text: &str) -> String {
        let mut text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let inside =
            self.uri.as_deref().and_then(|uri| uri.split_once("://")?.1.rsplit_once('@').map(|(user, _)| user));
        let of_uri = inside.into_iter().flat_map(|user| user.splitn(2, ':').skip(1));
        let all = [&self.uri, &self.password, &self.token].into_iter().flatten().map(String::as_str).chain(of_uri);
        for secret in all.filter(|s| !s.is_empty()) {
            text = text.replace(secret, "***").replace(&percent(secret), "***");
        }
        text
    }
}

/// As clients write it into addresses.
fn percent(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engines_are_read_and_shown() {
        for (text, shown) in [
            ("local", "local"),
            ("spark=sc://h:15002/;use_ssl=true", "spark sc://h:15002"),
            ("clickhouse=https://h:8443/?max_threads=8", "clickhouse https://h:8443"),
            ("adbc=/opt/lib/libadbc_driver_sqlite.so:spans.db", "adbc libadbc_driver_sqlite.so"),
            ("adbc=adbc_driver_postgresql:", "adbc adbc_driver_postgresql"),
        ] {
            assert_eq!(Address::parse(text).expect(text).to_string(), shown);
        }
    }

    #[test]
    fn what_is_no_engine_is_one_clear_error() {
        for (text, says) in [
            ("flink=x", "there are local, spark=sc://"),
            ("spark=http://h", "spark=sc://host:port"),
            ("spark=sc://", "no host"),
            ("clickhouse=h:8123", "http://host:8123"),
            ("clickhouse=http:///", "no host"),
            ("adbc=sqlite", "driver:uri"),
            ("adbc=:x", "no driver"),
        ] {
            let error = Address::parse(text).expect_err(text);
            assert!(error.contains(says), "{text}: {error}");
        }
    }

    #[test]
    fn credentials_in_an_address_are_refused_and_not_repeated() {
        for text in [
            "spark=sc://h:1/;token=hunter2",
            "spark=sc://u:hunter2@h:1",
            "clickhouse=http://u:hunter2@h:8123",
            "clickhouse=http://h:8123/?password=hunter2",
            "clickhouse=http://h:8123/?user=hunter2",
            "adbc=adbc_driver_postgresql:postgresql://u:hunter2@h/db",
            "adbc=x:Server=h;Password=hunter2",
        ] {
            let error = Address::parse(text).expect_err(text);
            assert!(error.contains("UNBRAID_ENGINE_PASSWORD") && !error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn secrets_are_masked_in_whatever_a_client_says() {
        let secrets = Credentials {
            password: Some("p w/d".to_owned()),
            token: Some("t0k".to_owned()),
            uri: Some("postgresql://u:deep@h/db".to_owned()),
            ..Credentials::default()
        };
        let shown = secrets.mask("bad p w/d at\n http://h/?p=p%20w%2Fd t0k postgresql://u:deep@h/db; deep");
        assert_eq!(shown, "bad *** at http://h/?p=*** *** ***; ***");
        assert_eq!(format!("{secrets:?}"), "Credentials(***)");
    }
}

//! TLS with a certificate of our own making.

use std::sync::Arc;

use hyper::Method;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::client::{EXPORT, Receiver, answer, made, wait};
use super::made::otlp;
use super::{PROTOBUF, of_file, result, shop};

#[test]
fn tls_is_spoken_over_both_doors() {
    let folder = tempfile::tempdir().expect("temp dir");
    let key = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
    std::fs::write(folder.path().join("cert.pem"), key.cert.pem()).expect("written");
    std::fs::write(folder.path().join("key.pem"), key.signing_key.serialize_pem()).expect("written");
    let receiver = Receiver::start(folder.path(), &["--tls-cert", "cert.pem", "--tls-key", "key.pem"]);
    let mut roots = RootCertStore::empty();
    roots.add(key.cert.der().clone()).expect("a root");
    let secured = async |address, protocol: &[u8]| -> TlsStream<TcpStream> {
        let mut config = ClientConfig::builder().with_root_certificates(roots.clone()).with_no_client_auth();
        config.alpn_protocols = vec![protocol.to_vec()];
        let stream = TcpStream::connect(address).await.expect("connected");
        let name = ServerName::try_from("localhost").expect("a name");
        TlsConnector::from(Arc::new(config)).connect(name, stream).await.expect("secured")
    };
    let spans = shop(4);
    let (first, second) = spans.split_at(14);
    wait(async {
        let io = TokioIo::new(secured(receiver.grpc, b"h2").await);
        let (mut send, connection) = http2::Builder::new(TokioExecutor::new()).handshake(io).await.expect("h2");
        tokio::spawn(connection);
        let message = otlp(first);
        let framed = [&[0][..], &(message.len() as u32).to_be_bytes(), &message].concat();
        let headers = [("content-type", "application/grpc"), ("te", "trailers")];
        let request = made(Method::POST, &format!("https://localhost{EXPORT}"), &headers, framed);
        assert_eq!(answer(send.send_request(request).await.expect("an answer")).await.grpc, Some(0));
        let io = TokioIo::new(secured(receiver.http, b"http/1.1").await);
        let (mut send, connection) = http1::handshake(io).await.expect("http/1.1");
        tokio::spawn(connection);
        let request = made(Method::POST, "/v1/traces", &[PROTOBUF], otlp(second));
        assert_eq!(answer(send.send_request(request).await.expect("an answer")).await.status, 200);
    });
    receiver.end();
    assert_eq!(result(folder.path()), of_file(&spans));
}

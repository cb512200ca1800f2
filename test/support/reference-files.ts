// The configuration files of the reference implementation, with every key that it knows.

/** As its documents print it. */
export const REFERENCE_CONNECTOR = `{ "intermediate_server": {"host": "192.0.2.10", "port": 4433},
  "services": [{"id": "echo-service", "backend": "127.0.0.1:9999", "protocol": "udp"}],
  "p2p": {"cert": "connector.crt", "key": "connector.key", "port": 4434},
  "ca_cert": "ca.pem", "verify_peer": true, "metrics_port": 9091 }
`;

export const REFERENCE_RELAY = `{
  "_comment": "defaults of the reference, with the optional keys set",
  "port": 4433,
  "bind_addr": "0.0.0.0",
  "external_ip": "203.0.113.10",
  "cert_path": "certs/cert.pem",
  "key_path": "certs/key.pem",
  "ca_cert_path": "ca.pem",
  "verify_peer": true,
  "require_client_cert": false,
  "disable_retry": false,
  "_comment_metrics": "0 switches it off",
  "metrics_port": 9090
}
`;

/** What its agent's application is given. */
export const REFERENCE_AGENT = `{
  "serverHost": "192.0.2.10",
  "serverPort": 4433,
  "serviceId": "echo-service",
  "services": [{ "id": "echo-service", "virtualIp": "10.100.0.1" }, { "id": "web-app", "virtualIp": "10.100.0.2" }],
  "verifyPeer": true,
  "caCertPath": "ca.pem"
}
`;

// As much of a Kubernetes API server as kubectl asks before it takes a Secret or a request for a certificate: discovery,
// and the secrets that the test put there. Nothing is stored.

export interface ApiServer extends Disposable {
  readonly url: string;
  /** METHOD and path, in order. */
  readonly requests: readonly string[];
}

/** `secrets`: by "namespace/name"; a number is the status of a refusal. */
export function apiServer(secrets: Readonly<Record<string, object | number>> = {}): ApiServer {
  const requests: string[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request) {
      const { pathname } = new URL(request.url);
      requests.push(`${request.method} ${pathname}`);
      const known = DISCOVERY[pathname];
      if (known !== undefined) return Response.json(known);
      const [, namespace, name] = /^\/api\/v1\/namespaces\/([^/]+)\/secrets\/([^/]+)$/.exec(pathname) ?? [];
      const secret = secrets[`${namespace}/${name}`];
      return typeof secret === "object" ? Response.json(secret) : refusal(secret ?? 404, name ?? "");
    },
  });
  return { url: server.url.origin, requests, [Symbol.dispose]: () => void server.stop(true) };
}

function refusal(code: number, name: string): Response {
  const reason = code === 404 ? "NotFound" : code === 403 ? "Forbidden" : "InternalError";
  const words = code === 403 ? `User "ci" cannot get resource "secrets"` : code === 404 ? "not found" : "broken";
  const message = `secrets "${name}" ${code === 403 ? "is forbidden: " : ""}${words}`;
  const details = { name, kind: "secrets" };
  const status = { kind: "Status", apiVersion: "v1", status: "Failure", message, reason, details, code };
  return Response.json(status, { status: code });
}

function resources(groupVersion: string, ...kinds: readonly (readonly [string, string, boolean])[]) {
  const verbs = ["create", "get", "list", "patch", "update"];
  const list = kinds.map(([kind, name, namespaced]) => ({ kind, name, namespaced, singularName: "", verbs }));
  return { kind: "APIResourceList", apiVersion: "v1", groupVersion, resources: list };
}

function group(name: string) {
  const version = { groupVersion: `${name}/v1`, version: "v1" };
  return { name, versions: [version], preferredVersion: version };
}

const DISCOVERY: Readonly<Record<string, object>> = {
  "/version": { major: "1", minor: "30", gitVersion: "v1.30.0" },
  "/api": { kind: "APIVersions", versions: ["v1"], serverAddressByClientCIDRs: [] },
  "/apis": {
    kind: "APIGroupList",
    apiVersion: "v1",
    groups: [group("certificates.k8s.io"), group("cert-manager.io")],
  },
  "/api/v1": resources("v1", ["Secret", "secrets", true]),
  "/apis/certificates.k8s.io/v1": resources("certificates.k8s.io/v1", [
    "CertificateSigningRequest",
    "certificatesigningrequests",
    false,
  ]),
  "/apis/cert-manager.io/v1": resources("cert-manager.io/v1", ["Certificate", "certificates", true]),
};

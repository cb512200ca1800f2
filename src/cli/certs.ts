// `ztna certs …`: picks the subcommand.
import { WriteFault } from "../pki/store.ts";
import { runGroup } from "./command-group.ts";
import { type Commands, commandRows } from "./commands.ts";
import { CommandError } from "./errors.ts";
import type { Terminal } from "./terminal.ts";

/** The order of the help text. */
export const SUBCOMMANDS: Commands = {
  init: {
    summary: "make a certificate authority, or everything that a plan describes",
    load: () => import("./certs-init.ts"),
    spec: async () => (await import("./certs-init.ts")).INIT,
  },
  issue: {
    summary: "issue a server or client certificate",
    load: () => import("./certs-issue.ts"),
    spec: async () => (await import("./certs-issue.ts")).ISSUE,
  },
  show: {
    summary: "what a certificate says and allows",
    load: () => import("./certs-show.ts"),
    spec: async () => (await import("./certs-show.ts")).SHOW,
  },
  verify: {
    summary: "whether a certificate will work, and if not, why",
    load: () => import("./certs-verify.ts"),
    spec: async () => (await import("./certs-verify.ts")).VERIFY,
  },
  revoke: {
    summary: "put certificates on the list that the relay turns away",
    load: () => import("./certs-revoke.ts"),
    spec: async () => (await import("./certs-revoke.ts")).REVOKE,
  },
  export: {
    summary: "a certificate with its key as a PKCS#12 file, for desktops and browsers",
    load: () => import("./certs-export.ts"),
    spec: async () => (await import("./certs-export.ts")).EXPORT,
  },
  k8s: {
    summary: "print a certificate and its key as a Kubernetes Secret",
    load: () => import("./certs-k8s.ts"),
    spec: async () => (await import("./certs-k8s.ts")).K8S,
  },
  "k8s-csr": {
    summary: "print a request for a certificate: to cert-manager or to the cluster's own signers",
    load: () => import("./certs-k8s-csr.ts"),
    spec: async () => (await import("./certs-k8s-csr.ts")).K8S_CSR,
  },
};

export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    return await runGroup({ name: "certs", parts: SUBCOMMANDS, help }, args, terminal);
  } catch (error) {
    if (error instanceof WriteFault) throw new CommandError(error.message);
    throw error;
  }
}

function help(): string {
  return `ztna certs: make, issue and check certificates

Usage: ztna certs SUBCOMMAND [OPTIONS]

Subcommands:
${commandRows(SUBCOMMANDS)}

  -h, --help  this text; ztna certs SUBCOMMAND --help for a subcommand's options

Examples:
  ztna certs init
  ztna certs issue relay --server --host relay.example.org
  ztna certs issue connector --connector web
  ztna certs issue laptop --agent web
  ztna certs verify certs/laptop.crt --agent web
  ztna certs revoke laptop
`;
}

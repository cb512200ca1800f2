// Reading certificates: one made by OpenSSL, every field, and everything that must not be read into one.
import { describe, expect, test } from "bun:test";
import { type Leaf, parseLeaf } from "../../../src/identity/certificate.ts";
import { fromHex } from "../../../src/wire/bytes.ts";
import {
  basicConstraints,
  type CertificateShape,
  CLIENT_AUTH,
  certificateBytes,
  commonName,
  der,
  dnsName,
  ecKey,
  extension,
  generalizedTime,
  ipAddress,
  rsaKey,
  subjectAltName,
  utcTime,
} from "../../support/certificate-bytes.ts";
import { testPki } from "../../support/pki.ts";

function read(shape: Partial<CertificateShape> = {}): Leaf | undefined {
  return parseLeaf(certificateBytes(shape));
}

function names(...extensions: readonly Uint8Array[]): Pick<Leaf, "dnsNames" | "ipAddresses"> | undefined {
  const leaf = read({ extensions });
  return leaf && { dnsNames: leaf.dnsNames, ipAddresses: leaf.ipAddresses };
}

test("a client certificate made by OpenSSL is read in full", () => {
  expect(parseLeaf(fromHex(MADE_BY_OPENSSL) as Uint8Array)).toEqual({
    commonName: "laptop",
    dnsNames: ["agent.web.ztna", "connector.*.ztna"],
    ipAddresses: ["127.0.0.1", "2001:db8::1"],
    isCa: false,
    keyUsage: ["digitalSignature"],
    extendedKeyUsages: ["1.3.6.1.5.5.7.3.2"],
    key: { kind: "ec", bits: 256 },
    notBefore: Date.UTC(2026, 10, 23, 16, 18, 27),
    notAfter: Date.UTC(2026, 11, 23, 16, 18, 27),
    serial: "6302430cfad404245172499b3c7a64721138ea26",
    spkiSha256: "3aadde2e7dcaff8e16b12ad4b691def4894fcf8e14db27dc0f04413693a94fa9",
    subject: "CN=laptop",
    issuer: "CN=My\\, CA, O=Ex",
  });
});

test("a CA certificate is told apart, with its path length", async () => {
  expect(parseLeaf((await testPki()).ca.der)).toMatchObject({
    isCa: true,
    pathLength: 0,
    keyUsage: ["keyCertSign", "cRLSign"],
    dnsNames: [],
  });
});

describe("keys", () => {
  const modulus = (bytes: number, first = 0x80) => [0, first, ...new Array<number>(bytes - 1).fill(0x55)];
  const cases: readonly [string, Uint8Array, Leaf["key"]][] = [
    ["P-256", ecKey([0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07]), { kind: "ec", bits: 256 }],
    ["P-224", ecKey([0x2b, 0x81, 0x04, 0x00, 0x21]), { kind: "ec", bits: 224 }],
    ["P-384", ecKey([0x2b, 0x81, 0x04, 0x00, 0x22]), { kind: "ec", bits: 384 }],
    ["P-521", ecKey([0x2b, 0x81, 0x04, 0x00, 0x23]), { kind: "ec", bits: 521 }],
    ["secp256k1", ecKey([0x2b, 0x81, 0x04, 0x00, 0x0a]), { kind: "other", bits: 0 }],
    ["RSA 1024", rsaKey(modulus(128)), { kind: "rsa", bits: 1024 }],
    ["RSA 2047", rsaKey(modulus(256, 0x7f).slice(1)), { kind: "rsa", bits: 2047 }],
    ["RSA 2048", rsaKey(modulus(256)), { kind: "rsa", bits: 2048 }],
    ["Ed25519", der(0x30, der(0x30, der(0x06, [0x2b, 0x65, 0x70])), der(0x03, [0])), { kind: "ed25519", bits: 256 }],
    [
      "DSA",
      der(0x30, der(0x30, der(0x06, [0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x01])), der(0x03, [0])),
      { kind: "other", bits: 0 },
    ],
  ];
  test.each(cases)("%s", (_, spki, key) => {
    expect(read({ spki })?.key).toEqual(key);
  });
});

describe("names", () => {
  test("only dNSName and iPAddress entries are read, in their order", () => {
    const others = [der(0x81, "agent.mail.ztna"), der(0x86, "agent.uri.ztna"), der(0xa0, der(0x06, [0x2a, 0x03]))];
    const found = names(subjectAltName(...others, dnsName("agent.a.ztna"), ipAddress([10, 0, 0, 1]), dnsName("b")));
    expect(found).toEqual({ dnsNames: ["agent.a.ztna", "b"], ipAddresses: ["10.0.0.1"] });
  });

  test("100 names are read", () => {
    const wanted = Array.from({ length: 100 }, (_, i) => `agent.service-${i}.ztna`);
    expect(names(subjectAltName(...wanted.map(dnsName)))?.dnsNames).toEqual(wanted);
  });

  test("only the first subjectAltName extension counts", () => {
    const found = names(subjectAltName(dnsName("agent.a.ztna")), subjectAltName(dnsName("agent.*.ztna")));
    expect(found?.dnsNames).toEqual(["agent.a.ztna"]);
  });

  test("a name that tries to be several stays one", () => {
    const forged = "www.example.org, DNS:agent.*.ztna";
    expect(names(subjectAltName(dnsName(forged)))?.dnsNames).toEqual([forged]);
  });

  test.each([
    ["a NUL byte", "agent.web.ztna\0.example.org"],
    ["a NUL byte at the end", "agent.*.ztna\0"],
    ["a line break", "agent.web.ztna\nagent.*.ztna"],
    ["bytes above 0x7e", "agent.w\xe9b.ztna"],
    ["a delete character", "agent.web\x7f.ztna"],
  ])("an entry with %s is left out and the others stay", (_, entry) => {
    expect(names(subjectAltName(dnsName(entry), dnsName("ok")))?.dnsNames).toEqual(["ok"]);
  });

  test("addresses of another length than 4 or 16 bytes are left out", () => {
    expect(names(subjectAltName(ipAddress([127, 0, 0, 1, 255, 0, 0, 0]), ipAddress([])))?.ipAddresses).toEqual([]);
  });

  test("without the extension there are none", () => {
    expect(names()).toEqual({ dnsNames: [], ipAddresses: [] });
  });
});

test("without a common name a certificate is read, and has none", () => {
  const leaf = read({ subject: [] });
  expect(leaf?.subject).toBe("");
  expect(leaf !== undefined && "commonName" in leaf).toBe(false);
});

test("basic constraints with the default written out are no CA", () => {
  expect(read({ extensions: [basicConstraints(der(0x01, [0]))] })?.isCa).toBe(false);
  expect(read({ extensions: [basicConstraints()] })?.isCa).toBe(false);
  expect(read({ extensions: [basicConstraints(der(0x01, [0xff]), der(0x02, [0x01, 0x00]))] })?.pathLength).toBe(
    Number.MAX_SAFE_INTEGER,
  );
});

test("every key usage bit has its name", () => {
  const usage = (...bits: readonly number[]) => read({ extensions: [extension(0x0f, der(0x03, bits))] })?.keyUsage;
  expect(usage(0, 0xff)).toHaveLength(8);
  expect(usage(7, 0xff, 0x80)).toHaveLength(9);
  expect(usage(2, 0x04)).toEqual(["keyCertSign"]);
  expect(usage(7, 0x80)).toEqual(["digitalSignature"]);
});

test("both forms of dates are read", () => {
  const leaf = read({ notBefore: utcTime("991231235959Z"), notAfter: generalizedTime("20500101000000Z") });
  expect([leaf?.notBefore, leaf?.notAfter]).toEqual([Date.UTC(1999, 11, 31, 23, 59, 59), Date.UTC(2050, 0, 1)]);
});

describe("refused whole", () => {
  const good = certificateBytes();
  const purposes = extension(0x25, der(0x30, CLIENT_AUTH));
  const cases: readonly [string, Uint8Array][] = [
    ["nothing", new Uint8Array()],
    ["a byte too few", good.subarray(0, -1)],
    ["a byte too many", Uint8Array.from([...good, 0])],
    ["more than 64 KiB", certificateBytes({ extensions: [extension(0x63, new Uint8Array(65_536))] })],
    ["an indefinite length", Uint8Array.from([0x30, 0x80, ...good.subarray(4), 0, 0])],
    ["PEM", new TextEncoder().encode("-----BEGIN CERTIFICATE-----")],
    ["an extension twice", certificateBytes({ extensions: [purposes, purposes] })],
    ["a critical flag that is neither", certificateBytes({ extensions: [extension(0x63, "", 0x01)] })],
    ["a default that is written out", certificateBytes({ extensions: [extension(0x63, "", 0x00)] })],
    ["alternative names that are no list", certificateBytes({ extensions: [extension(0x11, der(0x82, "a"))] })],
    ["alternative names with a rest", certificateBytes({ extensions: [extension(0x11, [0x30, 0x00, 0x00])] })],
    ["an alternative name cut off", certificateBytes({ extensions: [extension(0x11, [0x30, 0x02, 0x82, 0x05])] })],
    ["purposes that are no ids", certificateBytes({ extensions: [extension(0x25, der(0x30, der(0x04, "x")))] })],
    ["key usage that is no bit string", certificateBytes({ extensions: [extension(0x0f, der(0x04, "x"))] })],
    ["a CA flag of 1", certificateBytes({ extensions: [basicConstraints(der(0x01, [1]))] })],
    [
      "a negative path length",
      certificateBytes({ extensions: [basicConstraints(der(0x01, [0xff]), der(0x02, [0xff]))] }),
    ],
    ["constraints with a rest", certificateBytes({ extensions: [basicConstraints(der(0x05))] })],
    ["a date of another type", certificateBytes({ notAfter: der(0x0c, "270101000000Z") })],
    ["a serial number with padding", certificateBytes({ serial: [0, 1] })],
    ["no serial number", certificateBytes({ serial: [] })],
    ["a name that is no set", certificateBytes({ subject: [der(0x30)] })],
    [
      "an attribute of three parts",
      certificateBytes({ subject: [der(0x31, der(0x30, der(0x06, [0x55]), der(0x0c), der(0x05)))] }),
    ],
    ["a key that is no list", certificateBytes({ spki: der(0x04) })],
    ["an RSA key of garbage", certificateBytes({ spki: rsaKey([]) })],
  ];
  test.each(cases)("%s", (_, bytes) => {
    expect(parseLeaf(bytes)).toBeUndefined();
  });
});

test("a certificate of nearly 64 KiB is read", () => {
  expect(read({ extensions: [extension(0x63, new Uint8Array(65_000))] })?.commonName).toBe("laptop");
});

test("the subject is read past any depth of nesting without being followed", () => {
  let nested = der(0x30);
  for (let depth = 0; depth < 3000; depth++) nested = der(0x30, nested);
  const leaf = read({ extensions: [extension(0x63, nested)], subject: [commonName("deep")] });
  expect(leaf?.commonName).toBe("deep");
});

const MADE_BY_OPENSSL = [
  "308201ee30820193a00302010202146302430cfad404245172499b3c7a64721138ea26300a06082a8648ce3d040302301e31",
  "0f300d06035504030c064d792c204341310b3009060355040a0c024578301e170d3236313132333136313832375a170d3236",
  "313232333136313832375a3011310f300d06035504030c066c6170746f703059301306072a8648ce3d020106082a8648ce3d",
  "03010703420004926a8bc0f423b9d06e610e1d4412eb7dce48a6b871e8b832be49790519862529c1cb39b2cb173c11ec2e5a",
  "0a922d1e68c62b969e362978b9127a5673c30908dfa381bb3081b830430603551d11043c303a820e6167656e742e7765622e",
  "7a746e618210636f6e6e6563746f722e2a2e7a746e6187047f000001871020010db800000000000000000000000130130603",
  "551d25040c300a06082b06010505070302300e0603551d0f0101ff040403020780300c0603551d130101ff04023000301d06",
  "03551d0e04160414954a5b38eabd542a17c85aa2b2af9391536a0cfb301f0603551d230418301680147055d659dcdc826df8",
  "7a8de5def0f308cb65f36b300a06082a8648ce3d0403020349003046022100db64f6eb7d4fb680b66bb87639e5b5970f9c8b",
  "9f21da6d8fbbf8f0c96fe5230b022100e55185e43c47ff64b3665b31ddb084ce2b10af3c9461a1cfad36d43af5dc4e7b",
].join("");

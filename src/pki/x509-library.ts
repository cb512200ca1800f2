// Loads the X.509 library behind the polyfill that it refuses to start without. By require, because that runs in the
// order written; with imports both the run-time and the bundler may run these two packages the other way round.
require("reflect-metadata");
export const x509: typeof import("@peculiar/x509") = require("@peculiar/x509");

#!/usr/bin/env node
// Starts the program that came with the package of this platform. Nothing is downloaded.
"use strict";

const { spawnSync } = require("node:child_process");

const name = `unbraid-${process.platform}-${process.arch}`;
const file = process.platform === "win32" ? "unbraid.exe" : "unbraid";

let program;
try {
  program = require.resolve(`${name}/${file}`);
} catch {
  console.error(
    `error: the package ${name} is not installed; install without --omit=optional, ` +
      "or build the program with cargo where there is none for this platform",
  );
  process.exit(2);
}

const ran = spawnSync(program, process.argv.slice(2), { stdio: "inherit" });
if (ran.error) {
  console.error(`error: ${program} does not start: ${ran.error.message}`);
  process.exit(2);
}
// A program that a signal ended has no exit code: it could not run.
process.exit(ran.status ?? 2);

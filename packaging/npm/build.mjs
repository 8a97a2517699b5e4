// Makes the packages of one release: the one that users install, and one for each platform with its program.
//
//   node packaging/npm/build.mjs OUT VERSION linux-x64=PATH [darwin-arm64=PATH ...]
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const [out, version, ...programs] = process.argv.slice(2);
if (!out || !version || programs.length === 0) {
  console.error("usage: node build.mjs OUT VERSION PLATFORM-ARCH=PROGRAM ...");
  process.exit(2);
}

const main = JSON.parse(readFileSync(join(here, "package.json"), "utf8"));
main.version = version;
main.optionalDependencies = {};

const write = (folder, description) => {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(description, null, 2)}\n`);
  for (const licence of ["LICENSE-APACHE", "LICENSE-MIT"]) copyFileSync(join(here, "../..", licence), join(folder, licence));
};

for (const program of programs) {
  const [platform, path] = program.split("=");
  const [os, cpu] = platform.split("-");
  if (!os || !cpu || !path) throw new Error(`${program} is not PLATFORM-ARCH=PROGRAM`);
  const name = `unbraid-${platform}`;
  const file = os === "win32" ? "unbraid.exe" : "unbraid";
  const folder = join(out, name);
  write(folder, { name, version, description: `unbraid for ${platform}`, license: main.license, os: [os], cpu: [cpu], files: [file] });
  copyFileSync(path, join(folder, file));
  chmodSync(join(folder, file), 0o755);
  main.optionalDependencies[name] = version;
}

write(join(out, "unbraid"), main);
copyFileSync(join(here, "unbraid.js"), join(out, "unbraid", "unbraid.js"));
copyFileSync(join(here, "../..", "README.md"), join(out, "unbraid", "README.md"));

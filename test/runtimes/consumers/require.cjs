// require() of each entry point, whose modules are ES modules, returns what import does.
const { deepEqual } = require('node:assert/strict');

async function main() {
  for (const entry of ['', '/node', '/stores', '/testing']) {
    const names = Object.keys(await import(`planetscale-audit${entry}`));
    deepEqual(Object.keys(require(`planetscale-audit${entry}`)).sort(), names.sort());
  }
}

main();

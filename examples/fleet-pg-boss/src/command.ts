// Brings organizations back, or stops them:
//   npm run resume -- acme example
//   npm run park -- acme
import { printable } from 'planetscale-audit';
import { createTables, pool } from './database.ts';
import { record, resume } from './state.ts';

const [command, ...organizations] = process.argv.slice(2);
await createTables();
for (const organization of organizations) {
  if (command === 'park') await record(organization, { kind: 'parked', message: 'An operator parked it.' });
  else if (!(await resume(organization))) {
    console.error(printable(`The fleet has no organization ${organization}. Check its spelling.`));
    process.exitCode = 1;
  }
}
await pool.end();

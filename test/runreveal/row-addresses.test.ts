import { expect, test } from 'vitest';
import { rowOf } from './row-of.ts';

test('srcIP is the address in canonical text and psRemoteIp the address as received', () => {
  const row = rowOf({ remote_ip: ' 2001:DB8:0::1 ' });
  expect(row).toMatchObject({ srcIP: '2001:db8::1', psRemoteIp: ' 2001:DB8:0::1 ' });
  expect(rowOf({ remote_ip: '203.0.113.24:443' })).toMatchObject({ srcIP: '', psRemoteIp: '203.0.113.24:443' });
  expect(rowOf({ remote_ip: null })).toMatchObject({ srcIP: '', psRemoteIp: '' });
});

test('lookupIp receives the canonical address and fills the columns srcASCountryCode to srcUserType', () => {
  const lookedUp: string[] = [];
  const lookupIp = (ip: string) => {
    lookedUp.push(ip);
    return {
      asCountryCode: 'US',
      asNumber: 4_294_967_295,
      asOrganization: 'Example\ud800',
      city: 'Chicago',
      connectionType: 'Corporate',
      isp: 'Example',
      latitude: 41.85,
      longitude: -87.65,
      userType: 'business',
    };
  };
  expect(rowOf({ remote_ip: '2001:DB8::1' }, { lookupIp })).toMatchObject({
    srcASCountryCode: 'US',
    srcASNumber: 4_294_967_295,
    srcASOrganization: 'Example\ufffd',
    srcCity: 'Chicago',
    srcConnectionType: 'Corporate',
    srcISP: 'Example',
    srcLatitude: 41.85,
    srcLongitude: -87.65,
    srcUserType: 'business',
    dstCity: '',
  });
  expect(lookedUp).toEqual(['2001:db8::1']);
});

test('lookupIp is not called for an event without an address', () => {
  const lookupIp = () => expect.unreachable();
  for (const remote_ip of [null, '', 'unknown', 'fe80::1%eth0'])
    expect(rowOf({ remote_ip }, { lookupIp }).srcIP).toBe('');
});

test('a field that lookupIp leaves out is empty, and a number that ClickHouse cannot hold is 0', () => {
  expect(rowOf({}, { lookupIp: () => undefined })).toMatchObject({ srcCity: '', srcASNumber: 0, srcLatitude: 0 });
  for (const asNumber of [-1, 1.5, 4_294_967_296, Number.NaN]) {
    expect(rowOf({}, { lookupIp: () => ({ asNumber }) }).srcASNumber).toBe(0);
  }
  for (const degrees of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    const lookupIp = () => ({ latitude: degrees, longitude: degrees });
    expect(rowOf({}, { lookupIp })).toMatchObject({ srcLatitude: 0, srcLongitude: 0 });
  }
});

test('srcCity is never read out of the location', () => {
  expect(rowOf({ location: 'Chicago, IL' })).toMatchObject({ srcCity: '', psLocation: 'Chicago, IL' });
});

test('the caller receives the errors of lookupIp and actorEmail', () => {
  const fail = () => {
    throw new RangeError('database closed');
  };
  expect(() => rowOf({}, { lookupIp: fail })).toThrow('database closed');
  expect(() => rowOf({}, { actorEmail: fail })).toThrow('database closed');
});

import { describe, expect, it } from '@jest/globals';
import { isPrivateAddress } from './address.rules.js';
import { AllowList } from './allow.list.js';

it.each([
  '0.0.0.0',
  '10.1.2.3',
  '100.64.0.1',
  '127.0.0.1',
  '127.9.9.9',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '224.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::ffff:127.0.0.1',
  '::ffff:10.0.0.1',
  '64:ff9b::a00:1',
  'fc00::1',
  'fd12::1',
  'fe80::1',
  'ff02::1',
  '2002:7f00:1::',
  'not an address',
])('%s is private', (address) => {
  expect(isPrivateAddress(address)).toBe(true);
});
it.each([
  '1.1.1.1',
  '8.8.8.8',
  '172.15.0.1',
  '172.32.0.1',
  '192.167.1.1',
  '2606:4700::1111',
  '::ffff:8.8.8.8',
])('%s is public', (address) => {
  expect(isPrivateAddress(address)).toBe(false);
});

describe('hosts', () => {
  const list = new AllowList([
    'api.example.com',
    '*.wild.example',
    'ported.example:8080',
    '127.0.0.1:9000',
    '[::1]:9000',
    '*.p.example:81',
  ]);
  it.each([
    ['https://api.example.com/x', true],
    ['http://API.example.com:8443/', true],
    ['https://api.example.com.evil.example/', false],
    ['https://evilapi.example.com/', false],
    ['https://a.wild.example/', true],
    ['https://a.b.wild.example./', true],
    ['https://wild.example/', false],
    ['https://notwild.example/', false],
    ['http://ported.example:8080/', true],
    ['http://ported.example/', false],
    ['http://127.0.0.1:9000/', true],
    ['http://2130706433:9000/', true], // the same address, as URL reads it
    ['http://127.0.0.1:9001/', false],
    ['http://[::1]:9000/', true],
    ['http://a.p.example:81/', true],
    ['http://a.p.example/', false],
  ])('%s: %s', (url, allowed) => {
    expect(list.refuses(new URL(url)) === undefined).toBe(allowed);
  });

  it('lead to private addresses only where those are named', () => {
    const named = new AllowList(['intranet.example', '10.0.0.5:80', 'localhost:3000']);
    const address = (url: string, to: string) => named.refusesAddress(new URL(url), to) === undefined;
    expect(address('http://intranet.example/', '93.184.216.34')).toBe(true);
    expect(address('http://intranet.example/', '10.0.0.5')).toBe(true);
    expect(address('http://intranet.example:8080/', '10.0.0.5')).toBe(false);
    expect(address('http://intranet.example/', '10.0.0.6')).toBe(false);
    expect(address('http://localhost:3000/', '127.0.0.1')).toBe(true);
    expect(address('http://localhost:3000/', '::1')).toBe(true);
    expect(address('http://localhost:3000/', '10.0.0.7')).toBe(false);
    expect(address('http://intranet.example:3000/', '127.0.0.1')).toBe(false);
    expect(named.refusesAddress(new URL('http://intranet.example/'), '10.0.0.6')).toMatch(
      /intranet.example leads to 10.0.0.6, which is a private address; .* add 10.0.0.6:80 to DORMOUSE_HTTP_ALLOW/,
    );
  });
});

import { BlockList, isIP } from 'node:net';

/*
 * Addresses that are nobody's on the open internet (IANA special-purpose registries, RFC 6890 and its updates): a
 * request to one reaches this machine, its neighbours or a cloud's metadata service.
 */
const PRIVATE_4 = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const;
const PRIVATE_6 = [
  ['::', 128],
  ['::1', 128],
  ['64:ff9b::', 96], // NAT64: stands for any IPv4 address
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16], // 6to4: the same
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const;

const blocked = new BlockList();
for (const [net, bits] of PRIVATE_4) blocked.addSubnet(net, bits, 'ipv4');
for (const [net, bits] of PRIVATE_6) blocked.addSubnet(net, bits, 'ipv6');

/** Not an address of the open internet. What is no address at all counts as private. */
export const isPrivateAddress = (address: string): boolean => {
  const family = isIP(address);
  if (family === 0) return true;
  // an IPv4 address inside of an IPv6 one is checked as what it is (BlockList does so for ::ffff:0:0/96)
  return blocked.check(address, family === 4 ? 'ipv4' : 'ipv6');
};

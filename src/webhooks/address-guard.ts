import { BlockList, isIP } from 'node:net';

/*
 * What a webhook must not reach: this machine, its network, and whatever answers only to insiders (cloud
 * metadata services are link-local). From the special-purpose registries of IANA (RFC 6890).
 */
const REFUSED_V4: readonly [string, number][] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
];

/* ::/8 holds unspecified, loopback, v4-compatible, v4-mapped, translated and NAT64 addresses alike. */
const REFUSED_V6: readonly [string, number][] = [
  ['::', 8],
  ['100::', 8],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
  ['5f00::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
];

/*
 * Two lists: BlockList holds every v4 rule against the v4-mapped form of a v6 address too, and so would
 * mix up which rule meant what.
 */
const refusedV4 = blockList(REFUSED_V4, 'ipv4');
const refusedV6 = blockList(REFUSED_V6, 'ipv6');

/** Loopback, private, link-local, shared, multicast, reserved, or v6 that wraps a v4 address; or no address at all. */
export function isRefusedAddress(address: string): boolean {
  const plain = address.split('%')[0]!;
  switch (isIP(plain)) {
    case 4:
      return refusedV4.check(plain, 'ipv4');
    case 6:
      return refusedV6.check(plain, 'ipv6');
    default:
      return true;
  }
}

function blockList(subnets: readonly [string, number][], family: 'ipv4' | 'ipv6'): BlockList {
  const list = new BlockList();
  for (const [network, prefix] of subnets) list.addSubnet(network, prefix, family);
  return list;
}

import { expect, test } from 'vitest'
import { addressReach, reachOf } from './address.js'

test.each([
  ['8.8.8.8', 'public'],
  ['172.15.255.255', 'public'],
  ['172.16.0.0', 'network'],
  ['172.31.255.255', 'network'],
  ['172.32.0.0', 'public'],
  ['10.0.0.1', 'network'],
  ['192.168.1.1', 'network'],
  ['192.169.0.1', 'public'],
  ['100.64.0.1', 'network'],
  ['100.128.0.1', 'public'],
  ['169.254.169.254', 'network'],
  ['224.0.0.1', 'network'],
  ['255.255.255.255', 'network'],
  ['127.9.9.9', 'machine'],
  ['0.0.0.0', 'machine'],
  ['[::1]', 'machine'],
  ['[::]', 'machine'],
  ['[::ffff:7f00:1]', 'machine'],
  ['::ffff:10.0.0.1', 'network'],
  ['[::a00:1]', 'network'],
  ['[64:ff9b::a00:1]', 'network'],
  ['[2001:4860:4860::8888]', 'public'],
  ['[fd00::1]', 'network'],
  ['fe80::1%eth0', 'network'],
  ['[ff02::1]', 'network'],
] as const)('%s is %s', (host, reach) => {
  expect(addressReach(host)).toBe(reach)
})

test('spellings that URLs know are addresses too', async () => {
  for (const text of [
    'http://0x7f.1/',
    'http://2130706433/',
    'http://[::ffff:127.0.0.1]/',
    'http://localhost/',
  ]) {
    expect(await reachOf(new URL(text).hostname)).toBe('machine')
  }
})

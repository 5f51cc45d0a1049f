/** A link that must reach nothing, and how it tries. */
export interface HostileLink {
  readonly kind: string
  readonly url: string
  /** Opened with what strangers get, ports 80 and 443 only, instead of any port. */
  readonly usualPorts?: boolean
}

/** Where the servers of the benchmark listen: the trusted one and the canary on one port of several addresses. */
export interface Places {
  readonly port: number
  /** Origin of the server that links may reach, and that leads wherever it is told. */
  readonly trusted: string
}

/** Spellings of 127.0.0.1 and of what else the canary answers at. */
const LOOPBACK_HOSTS = [
  '127.0.0.1',
  '127.0.0.3',
  '127.1',
  '127.0.1',
  '2130706433',
  '0x7f000001',
  '0x7F.0.0.1',
  '0x7f.1',
  '017700000001',
  '0177.0.0.1',
  '0177.0.0.01',
  '00000177.0.0.1',
  '127.0.0.1.',
  '127.0.0.0x1',
  '0',
  '0.0.0.0',
  '0x0',
  '%31%32%37.0.0.1',
  '127%2e0%2e0%2e1',
  '１２７.０.０.１',
  '127。0。0。1',
  '127｡0｡0｡1',
  '127．0．0．1',
  '①②⑦.⓪.⓪.①',
  '𝟏𝟐𝟕.𝟎.𝟎.𝟏',
  'localhost',
  'LOCALHOST',
  'localhost.',
  'a.localhost',
  'ⓛⓞⓒⓐⓛⓗⓞⓢⓣ',
  '[::1]',
  '[0:0:0:0:0:0:0:1]',
  '[0000:0000::0001]',
  '[::0.0.0.1]',
  '[::]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[0:0:0:0:0:ffff:7f00:0001]',
  '[::ffff:0.0.0.0]',
  '[::ffff:0:127.0.0.1]',
  '[::127.0.0.1]',
  '[64:ff9b::127.0.0.1]',
  '[64:ff9b:1::7f00:1]',
  '[2002:7f00:1::]',
  '[2002:7f00:0001::1]',
  '[2001:0:5ef5:79fb:0:0:80ff:fffe]',
  '[2606:4700::5efe:7f00:1]',
]

/** Addresses inside networks, and of machines that hand out credentials. */
const INNER_HOSTS = [
  '10.0.0.1',
  '172.16.0.1',
  '192.168.1.1',
  '100.64.0.1',
  '100.100.100.200',
  '169.254.169.254',
  '169.254.170.2',
  '2852039166',
  '0xa9fea9fe',
  '168.63.129.16',
  '192.0.0.192',
  '198.18.0.1',
  '224.0.0.1',
  '240.0.0.1',
  '255.255.255.255',
  '[fe80::1]',
  '[fec0::1]',
  '[fc00::1]',
  '[fd00:ec2::254]',
  '[fd20:ce::254]',
  '[ff02::1]',
  '[::ffff:169.254.169.254]',
  '[64:ff9b::a9fe:a9fe]',
  '[2002:a9fe:a9fe::]',
  '[100::1]',
  '[2001:db8::1]',
]

/** Names that the benchmark's resolver leads to the canary. */
export const HOSTILE_NAMES: Readonly<Record<string, readonly string[]>> = {
  'loop.example': ['127.0.0.1'],
  'loop6.example': ['::1'],
  'mapped.example': ['::ffff:127.0.0.1'],
  'both.example': ['127.0.0.2', '127.0.0.1'],
  'last.example': ['127.0.0.2', '127.0.0.2', '::1'],
  'zero.example': ['0.0.0.0'],
  'text.example': ['localhost'],
  'short.example': ['127.1'],
  'scoped.example': ['::1%lo'],
  'translated.example': ['64:ff9b::7f00:1'],
}

/** A site with a player of its own; in the benchmark it stands for the trusted server, and `to` says what it leads to. */
export const PLAYER = 'www.youtube.com'

/** Addresses that this name has at its first look-up, its second, and so on; the last one stays. */
export const REBINDING_NAMES: Readonly<Record<string, readonly string[]>> = {
  'rebind-1.example': ['127.0.0.2', '127.0.0.1'],
  'rebind-2.example': ['127.0.0.2', '::1'],
  'rebind-3.example': ['127.0.0.2', '127.0.0.2', '127.0.0.1'],
  'rebind-4.example': ['127.0.0.1', '127.0.0.2'],
}

/** Every hostile link, each different. */
export function hostileLinks(places: Places): readonly HostileLink[] {
  const { port, trusted } = places
  const canary = `127.0.0.1:${port}`
  const targets = [...LOOPBACK_HOSTS.map((host) => `http://${host}:${port}/a.mp4`), ...schemes(canary)]
  const some = targets.filter((_, index) => index % 3 === 0)
  const lead = (kind: string, path: string) =>
    some.map((to) => ({ kind, url: `${trusted}${path}${encode(to)}` }))
  return [
    ...LOOPBACK_HOSTS.map((host) => ({ kind: 'address', url: `http://${host}:${port}/a.mp4` })),
    ...INNER_HOSTS.map((host) => ({ kind: 'network', url: `http://${host}/latest/meta-data/` })),
    ...schemes(canary).map((url) => ({ kind: 'scheme', url })),
    ...confusions(port).map((url) => ({ kind: 'confusion', url })),
    ...[1, 22, 25, 6379, 8080, port].map((odd) => ({
      kind: 'port',
      url: `http://93.184.216.34:${odd}/`,
      usualPorts: true,
    })),
    ...Object.keys(HOSTILE_NAMES).map((name) => ({ kind: 'name', url: `http://${name}:${port}/a.mp4` })),
    ...Object.keys(REBINDING_NAMES).map((name) => ({
      kind: 'rebinding',
      url: `http://${name}:${port}/once.mp4`,
    })),
    ...lead('redirect', '/to?url='),
    ...lead('chain', '/chain?left=3&url='),
    ...lead('page', '/page?how=video&url='),
    ...lead('page', '/page?how=og&url='),
    ...lead('page', '/page?how=json&url='),
    ...lead('playlist', '/list.m3u8?how=segment&url='),
    ...lead('playlist', '/list.m3u8?how=map&url='),
    ...lead('playlist', '/list.m3u8?how=variant&url='),
    ...lead('playlist', '/list.m3u8?how=key&url='),
    ...some.map((to) => ({ kind: 'player', url: `http://${PLAYER}:${port}/watch?to=${encode(to)}` })),
    { kind: 'chain', url: `${trusted}/chain?left=6&url=${encode('/film.mp4')}` },
    {
      kind: 'page',
      url: `${trusted}/page?how=video&url=${encode(`${trusted}/page?how=video&url=/film.mp4`)}`,
    },
    {
      kind: 'playlist',
      url: `${trusted}/to?url=${encode(`/list.m3u8?how=segment&url=${encode(`http://${canary}/`)}`)}`,
    },
  ]
}

function schemes(canary: string): readonly string[] {
  return [
    'file:///etc/passwd',
    'file://localhost/etc/passwd',
    'FILE:/etc/hostname',
    `ftp://${canary}/a.mp4`,
    `gopher://${canary}/_GET`,
    `ws://${canary}/`,
    `rtsp://${canary}/a`,
    `blob:http://${canary}/1`,
    `concat:http://${canary}/a.mp4|b`,
    `subfile,,start,0,end,9,,:http://${canary}/`,
    `crypto+http://${canary}/a`,
    `hls+http://${canary}/a.m3u8`,
    `view-source:http://${canary}/`,
    `jar:http://${canary}/!/a`,
    `javascript:fetch('http://${canary}/')`,
    `x-any://${canary}/a.mp4`,
  ]
}

/** Links that two parsers could read differently. */
function confusions(port: number): readonly string[] {
  const at = `127.0.0.1:${port}`
  return [
    `http://films.example@${at}/`,
    `http://films.example:80@${at}/`,
    `http://films.example%20@${at}/`,
    `http://user:pass@films.example:${port}/`,
    `http://${at}\\@films.example/`,
    `http://${at}\\.films.example/`,
    `http:\\\\${at}\\a.mp4`,
    `http:${at}/a.mp4`,
    `http:/${at}/a.mp4`,
    `http:////${at}/a.mp4`,
    `\t\n http://${at}/a.mp4`,
    `ht\ntp://${at}/a.mp4`,
    `http://127.0.\t0.1:${port}/a.mp4`,
    `http://${at}#@films.example/`,
    `http://${at}?@films.example/`,
    `http://films.example\\@${at}/`,
    `http://films.example%23@${at}/`,
    `http://[::1]@${at}/`,
    `http://films.example:${port}:${port}/`,
    `http://films.example\0.${at}/`,
    `http://127.0.0.1%00.films.example:${port}/`,
    `http://127.0.0.1\u00ad:${port}/`,
    `HTTP://127.0.0.1\u200b:${port}/`,
  ]
}

function encode(text: string): string {
  return encodeURIComponent(text)
}

/** `0:07.5`, `12:04.0`. */
export function formatTime(seconds: number): string {
  const tenths = Math.round(Math.max(0, seconds) * 10)
  const whole = Math.floor(tenths / 10)
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}.${tenths % 10}`
}

export function formatBytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)}\u00a0MiB`
}

export function formatShare(share: number): string {
  return share >= 0.01 ? `${Math.round(share * 100)}\u00a0%` : 'less than 1\u00a0%'
}

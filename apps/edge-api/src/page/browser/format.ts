/** `0:07`, `12:04`, `1:00:09`, with a tenth where `exact`. */
export function formatTime(seconds: number, exact = false): string {
  const tenths = Math.round(Math.max(0, seconds) * 10)
  const whole = exact ? Math.floor(tenths / 10) : Math.round(tenths / 10)
  const two = (value: number): string => String(value).padStart(2, '0')
  const hours = Math.floor(whole / 3600)
  const minutes = Math.floor(whole / 60) % 60
  const clock = hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`
  return exact ? `${clock}.${tenths % 10}` : clock
}

export function formatBytes(bytes: number): string {
  const mebibytes = bytes / 2 ** 20
  return mebibytes < 1 ? `${Math.ceil(bytes / 1024)} KiB` : `${mebibytes.toFixed(mebibytes < 10 ? 1 : 0)} MiB`
}

export function formatShare(share: number): string {
  const percent = share * 100
  return percent >= 1 || percent === 0 ? `${Math.round(percent)}\u00a0%` : 'less than 1\u00a0%'
}

export function count(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString('en')} ${number === 1 ? one : many}`
}

/**
 * Lays rows out in columns for a terminal; numbers stand to the right.
 *
 * @param rows - The first is the heading.
 */
export function formatTable(rows: readonly (readonly (string | number)[])[]): string {
  const texts = rows.map((row) => row.map(String))
  const columns = Math.max(0, ...texts.map((row) => row.length))
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...texts.map((row) => row[column]?.length ?? 0)),
  )
  const body = texts.slice(1)
  const isNumeric = widths.map((_, column) =>
    body.every((row) => /^[-–]?[\d.,]*[ ×%]*\S{0,4}$/.test(row[column] ?? '')),
  )
  return texts
    .map((row) =>
      widths
        .map((width, column) => {
          const text = row[column] ?? ''
          return isNumeric[column] ? text.padStart(width) : text.padEnd(width)
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** Milliseconds with three significant digits. */
export function formatMs(milliseconds: number): string {
  return `${formatNumber(milliseconds)} ms`
}

export function formatPercent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}

/** Three significant digits, never in powers of ten. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return '–'
  const digits = value === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))))
  return value.toFixed(Math.min(digits, 10))
}

/** A table of Markdown as the formatter writes it: numbers to the right, but for the first `words` columns. */
export function markdownTable(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  words = 0,
): string {
  const widths = heads.map((head, column) =>
    Math.max(3, head.length, ...rows.map((row) => row[column]?.length ?? 0)),
  )
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => pad(cell, widths[column] ?? 0, column < words)).join(' | ')} |`
  const rule = widths.map((width, column) =>
    column < words ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  )
  return [line(heads), `| ${rule.join(' | ')} |`, ...rows.map(line)].join('\n')
}

function pad(cell: string, width: number, isText: boolean): string {
  return isText ? cell.padEnd(width) : cell.padStart(width)
}

/** Half up, as people round; the small number undoes what doubles lose. */
export function percent(share: number | undefined): string {
  return share === undefined ? '' : `${(Math.floor(1000 * share + 0.5 + 1e-9) / 10).toFixed(1)} %`
}

export function thousands(value: number): string {
  return Math.round(value).toLocaleString('en')
}

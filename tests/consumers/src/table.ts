import type { Row } from './row.js'

/** Rows as columns that people read. */
export function table(rows: readonly Row[]): string {
  const lines = [
    ['runtime', 'manager', 'check', '', 'seconds', ''],
    ...rows.map(({ runtime, manager, check, ok, seconds, note = '', why = '' }) => [
      runtime,
      manager,
      check,
      ok ? '✓' : '✗',
      seconds.toFixed(1).padStart(7),
      ok ? note : (why.split('\n', 1)[0] ?? ''),
    ]),
  ]
  const widths = [0, 1, 2, 3, 4].map((column) =>
    Math.max(...lines.map((cells) => cells[column]?.length ?? 0)),
  )
  return lines
    .map((cells) =>
      cells
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

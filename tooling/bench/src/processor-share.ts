/**
 * Processor time that this process has had since it began, as a share of what so many threads could have had: well below
 * 1 where a computation kept them busy, the machine did other work.
 */
export function processorShare(threads: number): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6 / process.uptime() / threads
}

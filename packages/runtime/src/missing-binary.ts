/**
 * What to do about native code that npm installs as an optional package of the platform.
 *
 * @param owner - The package that needs it.
 * @param binary - Name of the optional package.
 */
export function missingBinary(owner: string, binary: string): string {
  return `${binary}, the native part of ${owner}, is not installed: optional packages were left out, or node_modules comes from another machine. Run: npm install --include=optional (after removing node_modules and the lock file, if that changes nothing).`
}

export { type PublishedPackage, publicWorkspaces, publishWorkspaces } from './publish.js'
export { type Registry, type RegistryOptions, startRegistry } from './registry.js'

export {
  createLongtake,
  type LongtakeModelOptions,
  type LongtakeProvider,
  type LongtakeSettings,
} from './provider.js'

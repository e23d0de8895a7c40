import type { Library } from './library.ts'
import { chaintap, modelOver } from './ours.ts'

const library: Library = (fetch) => chaintap(modelOver(fetch))

export default library

import { entries } from './scripts/entries.mjs'

/** Finds exports and files that nothing imports. Entries of the package are for users; everything else in src must have an importer. */
export default {
  entry: [...entries.map(({ source }) => source), 'scripts/**/*.{mjs,ts}', 'bench/**/*.{mjs,ts}', 'playground/*.ts', 'test/**/*.{ts,mjs}'],
  project: ['src/**/*.ts'],
  include: ['exports', 'files'],
}

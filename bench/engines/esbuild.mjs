// The bundler, in place of an engine: measures what a page downloads for a chat program written with each library.
import { version as esbuild } from 'esbuild'
import { sizeOf } from '../../scripts/size/measure.mjs'
import { withoutNode } from '../lib/bundle.mjs'
import { titles } from '../lib/titles.mjs'

/** @typedef {import('../lib/measure.ts').Figure} Figure */

export const version = `esbuild ${esbuild}`

/**
 * @param {import('../lib/bundle.mjs').Task} task
 * @returns {Promise<readonly Figure[]>}
 */
export async function measure({ libraries }) {
  /** @type {Figure[]} */
  const figures = []
  for (const { name: library, wire, program } of libraries) {
    if (program === undefined) continue
    const place = { table: `${titles[wire]}: size of a chat program, gzip`, what: 'for browsers', library }
    figures.push({
      ...place,
      unit: 'KB',
      ...(await measured(program)),
      ...(library === 'chaintap' && wire === 'anthropic' && { budget: 8 }),
    })
  }
  return figures
}

/** @param {string} program @returns {Promise<Pick<Figure, 'value' | 'says'>>} */
async function measured(program) {
  try {
    return { value: (await sizeOf(program)).atOnce }
  } catch (error) {
    const { atOnce } = await sizeOf(program, [withoutNode])
    return { value: atOnce, says: `does not build (${missingIn(error)}); ${atOnce.toFixed(1)} KB with empty modules for them` }
  }
}

/** Returns the imports that could not be resolved. @param {unknown} failure the error of esbuild */
function missingIn(failure) {
  const { errors } = /** @type {import('esbuild').BuildFailure} */ (failure)
  return [...new Set(errors.map(({ text }) => /"(.*)"/.exec(text)?.[1] ?? text))].join(', ')
}

import { expect, it } from 'vitest'
import { publicApi, publicNames } from '../support/public-api.ts'

it('every public symbol, and every public member of one, has a docstring', () => {
  const symbols = new Set(publicApi().entries.flatMap(({ exports }) => [...exports.values()]))
  const names = [...symbols].flatMap(publicNames)
  expect(names.length).toBeGreaterThan(800)
  expect(names.filter(({ docs }) => docs === '').map(({ at, name }) => `${at} ${name}`)).toEqual([])
})

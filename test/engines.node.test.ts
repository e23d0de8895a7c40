import { expect, it } from 'vitest'
import { engines, readmeTable } from '../scripts/engines.ts'

it('the README lists each engine of the tests with its version', () => {
  const [names, , versions] = readmeTable()
  expect(names).toEqual(Object.values(engines))
  expect(versions).toEqual(names?.map(() => expect.stringMatching(/\d/)))
})

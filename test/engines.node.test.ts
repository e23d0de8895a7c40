import { expect, it } from 'vitest'
import { engines, readmeTable } from '../scripts/engines.ts'

it('the README has every engine that tests run in, with the version it had', () => {
  const [names, , versions] = readmeTable()
  expect(names).toEqual(Object.values(engines))
  expect(versions).toEqual(names?.map(() => expect.stringMatching(/\d/)))
})

import { ChaintapError } from 'chaintap'
import { genaiPrices } from 'chaintap/genai-prices'
import { expect, test, vi } from 'vitest'

vi.mock('@pydantic/genai-prices', () => {
  throw new Error('Cannot find package')
})

test('genaiPrices() rejects with missing_package and the install command if the package is missing', async () => {
  const missing = genaiPrices()
  await expect(missing).rejects.toBeInstanceOf(ChaintapError)
  await expect(missing).rejects.toMatchObject({
    code: 'missing_package',
    message: expect.stringContaining('npm install @pydantic/genai-prices'),
  })
})

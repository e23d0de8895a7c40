import { branch, lambda } from 'chaintap'
import { recorder, scriptedModel } from 'chaintap/testing'
import { expect, test } from 'vitest'
import { readAll } from '../support/sources.ts'

const route = branch(
  [(question: string) => question.length < 5, lambda((question: string) => `short ${question}`, { name: 'Short' })],
  [async (question: string) => question.includes('?'), (question: string) => `asked ${question}`],
  lambda((question: string) => `other ${question}`, { name: 'Other' }),
)

test.each([
  ['Hi', 'short Hi', 'branch:1'],
  ['What is it?', 'asked What is it?', 'branch:2'],
  ['Tell me', 'other Tell me', 'branch:default'],
])('branch() passes %s to the step of the first true condition, as a tagged child run', async (question, answer, tag) => {
  const recorded = recorder()
  expect(await route.invoke(question, { callbacks: [recorded] })).toBe(answer)
  recorded.check()
  expect(recorded.events[1]?.run).toMatchObject({ tags: [tag], parentId: recorded.events[0]?.run.id })
})

test('branch() streams the chunks of the chosen step', async () => {
  const chain = branch([(x: string) => x === 'stream', scriptedModel([['a', 'b']])], scriptedModel(['whole']))
  const { chunks } = await readAll(chain.stream('stream'))
  expect(chunks).toEqual([
    { type: 'text', text: 'a' },
    { type: 'text', text: 'b' },
  ])
})

test('branch() fails without starting a step if a condition throws', async () => {
  const broken = branch(
    [(): boolean => JSON.parse('{'), lambda((x: string) => x)],
    lambda((x: string) => x),
  )
  const recorded = recorder()
  await expect(broken.invoke('x', { callbacks: [recorded] })).rejects.toThrow(SyntaxError)
  expect(recorded.trace()).toEqual(['S RunnableBranch', 'X RunnableBranch'])
})

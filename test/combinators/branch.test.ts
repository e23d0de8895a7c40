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
])('%s goes to the first step whose condition it meets', async (question, answer, tag) => {
  const heard = recorder()
  expect(await route.invoke(question, { callbacks: [heard] })).toBe(answer)
  heard.check()
  expect(heard.events[1]?.run).toMatchObject({ tags: [tag], parentId: heard.events[0]?.run.id })
})

test('the chosen step streams', async () => {
  const chain = branch([(x: string) => x === 'stream', scriptedModel([['a', 'b']])], scriptedModel(['whole']))
  const { chunks } = await readAll(chain.stream('stream'))
  expect(chunks).toEqual([
    { type: 'text', text: 'a' },
    { type: 'text', text: 'b' },
  ])
})

test('a condition that fails fails the run, and starts nothing', async () => {
  const broken = branch(
    [(): boolean => JSON.parse('{'), lambda((x: string) => x)],
    lambda((x: string) => x),
  )
  const heard = recorder()
  await expect(broken.invoke('x', { callbacks: [heard] })).rejects.toThrow(SyntaxError)
  expect(heard.trace()).toEqual(['S RunnableBranch', 'X RunnableBranch'])
})

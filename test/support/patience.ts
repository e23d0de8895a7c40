/** For `vi.waitFor` and `expect.poll`, which give up after a second: a busy machine takes longer. */
export const patience = { timeout: 20_000 }

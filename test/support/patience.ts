/** Options of `vi.waitFor` and `expect.poll`: their default of one second is too short on a busy machine. */
export const patience = { timeout: 20_000 }

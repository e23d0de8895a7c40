/** What workerd offers to tests alone. */
declare module 'workerd:unsafe' {
  const unsafe: {
    /** Takes an object out of memory as the platform does with one that is idle: when all that is being handled has been. */
    evict(stub: unknown, options: object): Promise<void>
  }
  export default unsafe
}

export { RemoteError, type RemoteErrorFacts } from './errors.ts'
export type { ReconnectOptions, ResumableRun } from './options.ts'
export { type Remote, type RemoteOptions, RemoteRunnable, type ResumeOptions } from './runnable.ts'
export type { RemoteHeaders, ServerOptions } from './server.ts'

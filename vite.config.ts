import type { UserConfig } from 'vite'
import type { TestProjectInlineConfiguration, ViteUserConfig } from 'vitest/config'
import { entries } from './scripts/entries.mjs'
import { root } from './scripts/support.mjs'
import type { BrowserName } from './test/support/browsers/index.ts'
import { bytes } from './test/support/bytes-plugin.ts'
import { redirects } from './test/support/redirect-plugin.ts'
import { seed } from './test/support/seed-plugin.ts'

const alias = entries.map(({ name, source }) => ({ find: new RegExp(`^${name}$`), replacement: `${root}/${source}` }))

// Property tests, and hooks that start servers or browsers, are slow on a busy machine. No test depends on these limits.
const testTimeout = 60_000
const hookTimeout = 60_000

// One realm for all files, as in an application: loading the modules anew for each file takes longer than most files' tests. Browsers load
// each file in a page of its own, because tests of pages leave databases and listeners open.
const isolate = false

const all = 'test/**/*.test.ts'
const nodeOnly = 'test/**/*.node.test.ts'
const workerdOnly = 'test/**/*.workerd.test.ts'
const browserOnly = 'test/**/*.browser.test.ts'

const node: TestProjectInlineConfiguration = {
  plugins: [bytes(), seed()],
  resolve: { alias },
  test: { name: 'node', testTimeout, hookTimeout, isolate, include: [all], exclude: [workerdOnly, browserOnly] },
}

async function workerd(): Promise<TestProjectInlineConfiguration> {
  const { cloudflareTest } = await import('@cloudflare/vitest-plugin')
  return {
    plugins: [bytes(), seed(), cloudflareTest({ wrangler: { configPath: './test/support/wrangler.toml' } })],
    resolve: { alias },
    test: { name: 'workerd', testTimeout, hookTimeout, isolate, include: [all], exclude: [nodeOnly, browserOnly] },
  }
}

async function browser(name: BrowserName): Promise<TestProjectInlineConfiguration[]> {
  const { providerOf } = await import('./test/support/browsers/index.ts')
  const provider = providerOf(name)
  if (provider === undefined) return []
  return [
    {
      plugins: [bytes(), redirects(), seed()],
      resolve: { alias },
      // Browser projects do not downlevel `using` by themselves.
      oxc: { target: 'es2022' },
      // A dependency discovered during a run would reload the page in the middle of the tests.
      optimizeDeps: {
        include: [
          'fast-check',
          'eventsource-parser',
          'eventsource-parser/stream',
          '@ai-sdk/anthropic',
          '@ai-sdk/openai',
          '@anthropic-ai/sdk',
          '@cfworker/json-schema',
          '@google/genai',
          '@langchain/anthropic',
          '@langchain/core/messages',
          '@langchain/core/utils/stream',
          '@langchain/openai',
          '@logtape/logtape',
          'ai',
          'axe-core',
          'groq-sdk',
          'idb-keyval',
          'openai',
          'zod',
        ],
      },
      test: {
        name,
        testTimeout,
        hookTimeout,
        include: [all],
        exclude: [nodeOnly, workerdOnly],
        setupFiles: ['test/support/dispose.ts'],
        browser: {
          enabled: true,
          headless: true,
          screenshotFailures: false,
          api: { host: '127.0.0.1' },
          // The instance has no name: Vitest rejects one that equals the project's as a duplicate.
          instances: [{ browser: name }],
          provider,
        },
      },
    },
  ]
}

/** Returns the engines of `--project`, or all. Building the configuration of one takes up to ten seconds. */
function requestedEngines(): readonly string[] {
  const names = process.argv.flatMap((arg, index, args) => {
    if (arg === '--project') return [args[index + 1] ?? '']
    return arg.startsWith('--project=') ? [arg.slice('--project='.length)] : []
  })
  return names.length > 0 ? names : ['node', 'workerd', 'chromium', 'firefox', 'webkit']
}

async function tests(): Promise<ViteUserConfig> {
  const engines = requestedEngines()
  const projects: TestProjectInlineConfiguration[] = []
  if (engines.includes('node')) projects.push(node)
  if (engines.includes('workerd')) projects.push(await workerd())
  for (const name of ['chromium', 'firefox', 'webkit'] as const) {
    if (engines.includes(name)) projects.push(...(await browser(name)))
  }
  // Absolute, because a relative path is first resolved against the parent of this folder.
  return { test: { reporters: ['default', `${root}/scripts/reporter.ts`], projects } }
}

async function playground(): Promise<UserConfig> {
  const { cloudflare } = await import('@cloudflare/vite-plugin')
  return {
    root: 'playground',
    // configPath is relative to the playground. A key in .dev.vars cannot be unset here, so the Worker has a variable OFFLINE.
    plugins: [cloudflare({ configPath: '../wrangler.toml', config: process.env.OFFLINE ? { vars: { OFFLINE: '1' } } : {} })],
    resolve: { alias },
    // By default Vite serves nothing above its root. `..` would also serve .dev.vars.
    server: { fs: { allow: ['playground', 'src', 'node_modules'].map((folder) => `${root}/${folder}`) } },
    build: { outDir: '../dist-playground', emptyOutDir: true },
  }
}

export default process.env.VITEST ? tests() : playground()

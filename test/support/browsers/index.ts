import { existsSync } from 'node:fs'
import { playwright as byPlaywright } from '@vitest/browser-playwright'
import { chromium, firefox, type LaunchOptions, webkit } from 'playwright'
import type { BrowserProviderOption } from 'vitest/node'
import { chromiumArgs } from '../../../scripts/chromium.mjs'
import { onPath } from '../../../scripts/support.mjs'
import { firefoxEsr } from './firefox.ts'
import { webkitgtk } from './webkitgtk.ts'

export type BrowserName = 'chromium' | 'firefox' | 'webkit'

/** What opens a browser for vitest: the system's, else playwright's own. A missing one is said loudly, and in CI an error. */
export function providerOf(name: BrowserName): BrowserProviderOption | undefined {
  if (name === 'firefox' && onPath('firefox-esr') !== undefined) return firefoxEsr()
  if (name === 'webkit' && onPath('WebKitWebDriver') !== undefined && onPath('Xvfb') !== undefined) return webkitgtk()
  const launchOptions = launchOptionsOf(name)
  return launchOptions && byPlaywright({ launchOptions })
}

/** How playwright starts a browser; undefined where it is missing. `without` says what does not happen then. */
export function launchOptionsOf(name: BrowserName, without = 'its tests are LEFT OUT of this run'): LaunchOptions | undefined {
  const own = { chromium, firefox, webkit }[name].executablePath()
  const executablePath = (name === 'chromium' && onPath(name)) || (existsSync(own) ? own : undefined)
  if (executablePath !== undefined) return { executablePath, ...(name === 'chromium' && { args: chromiumArgs }) }
  const cure = '"node scripts/setup.mjs browsers" installs it, or says how.'
  if (process.env.CI) throw new Error(`${name} is not installed, and in CI no engine may be left out: ${cure}`)
  console.warn(`\n!!! ${name} is not installed: ${without}. ${cure}\n`)
  return undefined
}

import { existsSync } from 'node:fs'
import { playwright as byPlaywright } from '@vitest/browser-playwright'
import { chromium, firefox, type LaunchOptions, webkit } from 'playwright'
import type { BrowserProviderOption } from 'vitest/node'
import { chromiumArgs } from '../../../scripts/chromium.mjs'
import { onPath } from '../../../scripts/support.mjs'
import { firefoxEsr } from './firefox.ts'
import { webkitgtk } from './webkitgtk.ts'

export type BrowserName = 'chromium' | 'firefox' | 'webkit'

/** Returns the Vitest provider of a browser: the system's, else Playwright's. A missing browser causes a warning, and in CI an error. */
export function providerOf(name: BrowserName): BrowserProviderOption | undefined {
  if (name === 'firefox' && onPath('firefox-esr') !== undefined) return firefoxEsr()
  if (name === 'webkit' && onPath('WebKitWebDriver') !== undefined && onPath('Xvfb') !== undefined) return webkitgtk()
  const launchOptions = launchOptionsOf(name)
  return launchOptions && byPlaywright({ launchOptions })
}

/** Returns Playwright's launch options for a browser; `undefined` if it is missing. `without` is the consequence, for the warning. */
export function launchOptionsOf(name: BrowserName, without = 'its tests are LEFT OUT of this run'): LaunchOptions | undefined {
  const own = { chromium, firefox, webkit }[name].executablePath()
  const executablePath = (name === 'chromium' && onPath(name)) || (existsSync(own) ? own : undefined)
  if (executablePath !== undefined) return { executablePath, ...(name === 'chromium' && { args: chromiumArgs }) }
  const cure = '"node scripts/setup.mjs browsers" installs it, or says how.'
  if (process.env.CI) throw new Error(`${name} is not installed, and in CI no engine may be left out: ${cure}`)
  console.warn(`\n!!! ${name} is not installed: ${without}. ${cure}\n`)
  return undefined
}
